"""How far a face can be believed, from its size, sharpness, light and detection.

The quality is the product of four shares in [0, 1], each rising from 0 to 1 between two bounds:

    size       12 to 48 pixels of the box: at 48 the crop needs no enlarging
    sharpness  0.003 to 0.1 variance of the Laplacian of the crop, its deviation set to one, by its logarithm;
               faces of FER2013 have 0.3 to 1.5, and 0.07, 0.01, 0.003 after a blur of sigma 1, 2, 4 pixels,
               which costs the model 1, 14 and 39 points of accuracy
    light      5 to 35 mean gray level of the crop, and 250 to 215 from above
    score      0 to 0.5 of the detector: 8 windows of the cascade, or the least that YuNet reports

so it never falls when one of them gets better, and one hopeless property is enough for zero.
"""

import math

import cv2
import numpy as np

from affectstream.models.face.crop import Image
from affectstream.models.face.detect import Face

SIZE = (12.0, 48.0)
SHARPNESS = (math.log(0.003), math.log(0.1))
DARK = (5.0, 35.0)
BRIGHT = (250.0, 215.0)
SCORE = (0.0, 0.5)
FLAT = 8.0  # gray levels of deviation below which noise is not taken for sharpness


def face_quality(crop: Image, face: Face) -> float:
    """Return the quality in [0, 1] of a gray crop (48, 48) and the detection that it was cut by."""
    size = min(face.box.width, face.box.height)
    mean = cv2.mean(crop)[0]
    light = _share(mean, DARK) * _share(mean, BRIGHT)
    sharp = _share(math.log(max(sharpness(crop), 1e-6)), SHARPNESS)
    return _share(size, SIZE) * sharp * light * _share(face.score, SCORE)


def sharpness(crop: Image) -> float:
    """Return the variance of the Laplacian of a gray crop (48, 48) after dividing by its deviation."""
    level = crop / np.float32(max(_deviation(crop), FLAT))
    return _deviation(cv2.Laplacian(level, cv2.CV_32F)) ** 2


def _deviation(values: cv2.typing.MatLike) -> float:
    return float(cv2.meanStdDev(values)[1][0, 0])


def _share(value: float, bounds: tuple[float, float]) -> float:
    low, high = bounds
    return min(max((value - low) / (high - low), 0.0), 1.0)
