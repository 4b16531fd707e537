"""The face weights on labelled pictures and clips of other corpora, from the file to the probabilities."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from affectstream.lab.datasets.moving import frames
from affectstream.lab.evaluation.run import EvaluationRequest, predicted
from affectstream.lab.statistics import Floats
from affectstream.models.face.crop import SIDE, Image, face_crop
from affectstream.models.face.detect import Detector
from affectstream.models.face.model import FaceModel
from affectstream.schemas.errors import InputError
from affectstream.schemas.labels import N_EMOTIONS

CUT_OUT_PX = 128  # a square picture of up to so many pixels is a face that has been cut out already
FPS = 2.0  # of a clip
MARGIN = 3  # the empty margin is a third of a side

Items = Sequence[Any]  # gray faces (48, 48), or records with the path of a picture or a clip


def probabilities(
    items: Items, model: FaceModel, request: EvaluationRequest
) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Return the probabilities (n, 7) of ``items`` and in which of them (n,) there is a face.

    Of a clip it is the mean over its frames. Raises InputError for a file that cannot be read.
    """
    detector = Detector(most=1)
    tracked = request.progress.track(items, description="faces cut out")
    crops = [_crops(item, detector) for item in tracked]
    count = np.array([len(each) for each in crops])
    flat = [crop for each in crops for crop in each]
    p = np.full((len(items), N_EMOTIONS), 1 / N_EMOTIONS)
    if flat:
        found = predicted(model.predict, flat, "faces", request.progress)
        rows = np.repeat(np.arange(len(items)), count)
        total = np.zeros_like(p)
        np.add.at(total, rows, found)
        p[count > 0] = total[count > 0] / count[count > 0, None]
    return p, count > 0


def _crops(item: Any, detector: Detector) -> list[Image]:
    if isinstance(item, np.ndarray):
        return [item]
    path: Path = item.image if hasattr(item, "image") else item.path
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        return [crop for _, frame in frames(path, FPS) for crop in _found(frame, detector)]
    return picture_crops(np.asarray(picture, dtype=np.uint8), detector)


def picture_crops(picture: Image, detector: Detector) -> list[Image]:
    """Return the face (48, 48) of a BGR picture, or none where none is found.

    A small square picture is taken for a face that has been cut out; in others the largest face is looked
    for, first in the picture and then with an empty margin, since a face that fills it is not found.
    """
    height, width = picture.shape[:2]
    if height == width <= CUT_OUT_PX:
        gray = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
        return [np.asarray(cv2.resize(gray, (SIDE, SIDE), interpolation=cv2.INTER_AREA), dtype=np.uint8)]
    if found := _found(picture, detector):
        return found
    margins = (height // MARGIN, height // MARGIN, width // MARGIN, width // MARGIN)
    framed = cv2.copyMakeBorder(picture, *margins, cv2.BORDER_CONSTANT, value=(127, 127, 127))
    return _found(np.asarray(framed, dtype=np.uint8), detector)


def _found(picture: Image, detector: Detector) -> list[Image]:
    try:
        return [face_crop(picture, face.box, detector.name) for face in detector.detect(picture)]
    except InputError:  # a box wholly outside
        return []
