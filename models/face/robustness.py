"""Accuracy and quality of the face model under a worse camera; imports cv2, rich and the siblings.

python -m models.face.robustness --data DATA/ferplus
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from rich.console import Console
from rich.table import Table

from models.calibration import ece
from models.datasets.ferplus import load_npz, majority
from models.face.crop import SIDE, Box, Image
from models.face.detect import Face
from models.face.model import FaceModel
from models.face.quality import face_quality

Degradation = Callable[[Image], Image]
SOUND = Face(Box(0, 0, SIDE, SIDE), 1.0)  # what is measured here is the picture, not the detection


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

    def degrade(face: Image) -> Image:
        hidden = face.copy()
        hidden[round(SIDE * (1 - share)) :] = 0
        return hidden

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


CONDITIONS: dict[str, Degradation] = {
    "as it is": lambda face: face,
    **{f"blur, sigma {sigma}": blurred(sigma) for sigma in (1.0, 2.0, 4.0)},
    **{f"dark, {gain:.0%} of the light": darkened(gain) for gain in (0.4, 0.15, 0.06)},
    **{f"lower {share:.0%} covered": covered(share) for share in (0.2, 0.4)},
    **{f"{side} pixels wide": shrunk(side) for side in (24, 16, 10)},
    **{f"JPEG {quality}": compressed(quality) for quality in (40, 10)},
}


def main() -> None:
    """Read the command line, degrade every third face of PublicTest and print."""
    parser = argparse.ArgumentParser(description="Show the face model under a worse camera.")
    parser.add_argument("--data", type=Path, required=True, help="folder with valid.npz")
    given = parser.parse_args()
    faces = load_npz(given.data / "valid.npz")
    labels = majority(faces.votes)
    rows = np.flatnonzero(labels >= 0)[::3]
    model = FaceModel()
    model.load("cpu")
    table = Table("condition", "accuracy", "ECE", "mean quality")
    for name, degrade in CONDITIONS.items():
        crops = [degrade(face) for face in faces.images[rows]]
        p = model.predict(crops)
        accuracy = (p.argmax(axis=1) == labels[rows]).mean()
        quality = np.mean([face_quality(crop, SOUND) for crop in crops])
        table.add_row(name, f"{accuracy:.3f}", f"{ece(p, labels[rows]):.3f}", f"{quality:.2f}")
    Console().print(table)


if __name__ == "__main__":
    main()
