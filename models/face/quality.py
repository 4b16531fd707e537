"""How far a face can be believed, from its size, sharpness, light and detection; imports cv2 and numpy.

The quality is the product of four shares in [0, 1], each rising from 0 to 1 between two bounds:

    size       12 to 48 pixels of the box: at 48 the crop needs no enlarging
    sharpness  0.05 to 0.30 variance of the Laplacian of the crop, its deviation set to one; 99 % of the
               faces of FER2013 lie above 0.2, so what the network learnt from counts as sharp
    light      10 to 50 mean gray level of the crop, and 250 to 215 from above
    score      0 to 0.5 of the detector: 8 windows of the cascade, or the least that YuNet reports

so it never falls when one of them gets better, and one hopeless property is enough for zero.
"""

import cv2
import numpy as np

from models.face.crop import Image
from models.face.detect import Face

SIZE = (12.0, 48.0)
SHARPNESS = (0.05, 0.30)
DARK = (10.0, 50.0)
BRIGHT = (250.0, 215.0)
SCORE = (0.0, 0.5)
FLAT = 8.0  # gray levels of deviation below which noise is not taken for sharpness


def face_quality(crop: Image, face: Face) -> float:
    """Return the quality in [0, 1] of a gray crop (48, 48) and the detection that it was cut by."""
    size = min(face.box.width, face.box.height)
    mean = float(crop.mean())
    light = _share(mean, DARK) * _share(mean, BRIGHT)
    return _share(size, SIZE) * _share(sharpness(crop), SHARPNESS) * light * _share(face.score, SCORE)


def sharpness(crop: Image) -> float:
    """Return the variance of the Laplacian of a gray crop (48, 48) after dividing by its deviation."""
    level = crop.astype(np.float32) / max(float(crop.std()), FLAT)
    return float(cv2.Laplacian(level, cv2.CV_32F).var())


def _share(value: float, bounds: tuple[float, float]) -> float:
    low, high = bounds
    return min(max((value - low) / (high - low), 0.0), 1.0)
