"""Degradations of face crops by a known amount: camera, light, cover, roll, compression."""

from collections.abc import Callable

import cv2
import numpy as np

from affectstream.models.face.crop import SIDE, Image

Degradation = Callable[[Image], Image]
EYES, MOUTH = 0.37, 0.77  # of the height, in the mean face of FER2013


def blurred(sigma: float) -> Degradation:
    """Return a blur of ``sigma`` pixels of the crop: a lens out of focus, a moving head."""
    return lambda face: np.asarray(cv2.GaussianBlur(face, (0, 0), sigma), dtype=np.uint8)


def darkened(gain: float) -> Degradation:
    """Return a multiplication of the gray levels, with the noise of a sensor in the dark."""

    def degrade(face: Image) -> Image:
        noise = np.random.default_rng(int(face.sum())).normal(0, 3, face.shape)
        return np.clip(face * gain + noise, 0, 255).astype(np.uint8)

    return degrade


def covered(share: float) -> Degradation:
    """Return a black bar over the lower ``share`` of the face: a mask, a cup, a microphone."""
    return _barred(1 - share, 1)


def eyes_covered(share: float) -> Degradation:
    """Return a black bar of ``share`` of the height about the eyes: dark glasses, a fringe."""
    return _barred(EYES - share / 2, EYES + share / 2)


def mouth_covered(share: float) -> Degradation:
    """Return a black bar of ``share`` of the height about the mouth: a hand, a microphone."""
    return _barred(MOUTH - share / 2, MOUTH + share / 2)


def _barred(top: float, bottom: float) -> Degradation:
    def degrade(face: Image) -> Image:
        hidden = face.copy()
        hidden[round(SIDE * top) : round(SIDE * bottom)] = 0
        return hidden

    return degrade


def rolled(degrees: float) -> Degradation:
    """Return a roll of the head about the middle of the crop, which the detector did not take back."""
    turn = cv2.getRotationMatrix2D((SIDE / 2 - 0.5, SIDE / 2 - 0.5), degrees, 1.0)

    def degrade(face: Image) -> Image:
        rolled_face = cv2.warpAffine(face, turn, (SIDE, SIDE), borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(rolled_face, dtype=np.uint8)

    return degrade


def shrunk(side: int) -> Degradation:
    """Return a reduction to ``side`` pixels: a face far from the camera."""

    def degrade(face: Image) -> Image:
        small = cv2.resize(face, (side, side), interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.resize(small, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR), dtype=np.uint8)

    return degrade


def compressed(quality: int) -> Degradation:
    """Return a JPEG round trip of the crop at ``quality``."""

    def degrade(face: Image) -> Image:
        packed = cv2.imencode(".jpg", face, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        return np.asarray(cv2.imdecode(packed, cv2.IMREAD_GRAYSCALE), dtype=np.uint8)

    return degrade


FACES: tuple[tuple[str, str, Callable[[float], Degradation], tuple[float, ...]], ...] = (
    ("blur", "sigma in pixels of 48", blurred, (1.0, 2.0, 3.0, 4.0)),
    ("darkness", "share of the light that is left", darkened, (0.4, 0.15, 0.06)),
    ("occlusion", "share covered from below", covered, (0.2, 0.4, 0.6)),
    ("eyes covered", "height of the bar, share of the face", eyes_covered, (0.1, 0.2, 0.3)),
    ("mouth covered", "height of the bar, share of the face", mouth_covered, (0.1, 0.2, 0.3)),
    ("roll", "degrees", rolled, (10.0, 20.0, 30.0, 45.0)),
    ("JPEG", "quality", lambda q: compressed(int(q)), (60, 40, 20, 10)),
    ("size", "pixels of the side", lambda side: shrunk(int(side)), (32, 24, 16, 10)),
)
"""Condition, unit of its severity, how it is made, severities from mild to bad."""
