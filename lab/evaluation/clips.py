"""What the face pipeline says of a video file, frame by frame and on the whole.

python -m affectstream.lab.face.clip FILE... [--every 5] [--crops FOLDER]
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.table import Table

from affectstream.models.face.crop import Image, face_crop
from affectstream.models.face.detect import Detector
from affectstream.models.face.model import FaceModel
from affectstream.models.face.quality import face_quality
from affectstream.models.protocol import Probabilities
from affectstream.schemas.errors import InputError
from affectstream.schemas.labels import EMOTIONS


@dataclass(frozen=True)
class Seen:
    """The largest face of every looked-at frame of a clip that has one."""

    looked_at: int
    crops: list[Image]
    quality: npt.NDArray[np.float64]  # (faces,)
    probabilities: Probabilities  # (faces, 7)

    def mean(self) -> npt.NDArray[np.float64]:
        """Return the probabilities (7,), averaged with the qualities as weights."""
        total = self.quality.sum()
        if total == 0:
            return np.full(len(EMOTIONS), 1 / len(EMOTIONS))
        weighted: npt.NDArray[np.float64] = self.quality @ self.probabilities / total
        return weighted


def frames(path: Path, every: int) -> Iterator[Image]:
    """Yield every ``every``-th frame (h, w, 3) of a video file; raises InputError."""
    video = cv2.VideoCapture(str(path))
    try:
        if not video.isOpened():
            raise InputError(f"{path} is not a video that OpenCV can read")
        number = 0
        while video.grab():
            if number % every == 0:
                yield np.asarray(video.retrieve()[1], dtype=np.uint8)
            number += 1
    finally:
        video.release()


def look(path: Path, model: FaceModel, every: int) -> Seen:
    """Return what the loaded ``model`` says of the clip at ``path``."""
    detector = Detector(most=1)
    crops: list[Image] = []
    quality: list[float] = []
    looked_at = 0
    for frame in frames(path, every):
        looked_at += 1
        for face in detector.detect(frame):
            crops.append(face_crop(frame, face.box))
            quality.append(face_quality(crops[-1], face))
    return Seen(looked_at, crops, np.array(quality), model.predict(crops).p)


def main() -> None:
    """Read the command line, look at the clips and print."""
    parser = argparse.ArgumentParser(description="Show what the face model says of video files.")
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--every", type=int, default=5, help="look at every n-th frame")
    parser.add_argument("--crops", type=Path, help="folder for the crops, as PNG")
    given = parser.parse_args()
    model = FaceModel()
    model.load("cpu")
    table = Table("clip", "frames", "faces", "quality", "the three likeliest")
    for path in given.files:
        seen = look(path, model, given.every)
        quality = f"{seen.quality.mean():.2f}" if seen.crops else "-"
        shares = seen.mean()
        likeliest = ", ".join(f"{EMOTIONS[i]} {shares[i]:.2f}" for i in np.argsort(-shares)[:3])
        table.add_row(path.stem, str(seen.looked_at), str(len(seen.crops)), quality, likeliest)
        for number, crop in enumerate(seen.crops if given.crops else ()):
            cv2.imwrite(str(given.crops / f"{path.stem}_{number:03d}.png"), crop)
    Console().print(table)


if __name__ == "__main__":
    main()
