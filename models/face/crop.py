"""From a colour frame and the box of a face to the gray 48x48 face that the network knows.

FER2013 was cut out with OpenCV's frontal cascade: run over its own images, ``haarcascade_frontalface_alt2``
finds boxes of 0.97 of their side, centred. So the box of that cascade, grown by ``GROW``, is the picture that
training had; every detector's box is that square. In video it takes in ears and neck, so of each square the
middle is cut out, as ``CUT`` has it. What remains of the lighting is taken out by
``models.face.network.standardise``, in training and here alike.
"""

from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from affectstream.schemas.errors import InputError

SIDE = 48
GROW = 1.03
# The side of what is cut out of each detector's square, as a share of it (docs/models/face.md has the table).
CUT = {"blazeface": 0.8, "yunet": 0.8, "cascade": 0.8}

Image = npt.NDArray[np.uint8]


class Box(NamedTuple):
    """A rectangle in pixels of the full frame; it may reach over the edge."""

    x: float
    y: float
    width: float
    height: float


def face_crop(image: Image, box: Box, detector: str = "") -> Image:
    """Return the gray face (48, 48) in ``box`` of a BGR frame (h, w, 3), as ``detector`` laid it.

    The crop is square about the middle of the box: the share of it that ``CUT`` has for the detector, and all
    of it for another one. Where it leaves the frame, the edge is repeated.
    Raises InputError for another kind of image and for a box without area or wholly outside.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise InputError(f"a frame must be BGR uint8 (h, w, 3), not {image.dtype} {image.shape}")
    side = max(1, round(max(box.width, box.height) * GROW * CUT.get(detector, 1.0)))
    left = round(box.x + (box.width - side) / 2)
    top = round(box.y + (box.height - side) / 2)
    height, width = image.shape[:2]
    inside = image[max(top, 0) : max(top + side, 0), max(left, 0) : max(left + side, 0)]
    if min(box.width, box.height) <= 0 or inside.size == 0:
        raise InputError(f"the box {tuple(box)} holds no pixel of a frame of {width}x{height}")
    gray = cv2.cvtColor(inside, cv2.COLOR_BGR2GRAY)
    over = (max(-top, 0), max(top + side - height, 0), max(-left, 0), max(left + side - width, 0))
    if any(over):
        gray = cv2.copyMakeBorder(gray, *over, cv2.BORDER_REPLICATE)
    return np.asarray(cv2.resize(gray, (SIDE, SIDE), interpolation=cv2.INTER_AREA), dtype=np.uint8)
