"""The face pipeline on video files, frame by frame and on the whole.

python -m affectstream.lab.evaluation.clips FILE... [--every 5] [--crops FOLDER]
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import numpy.typing as npt
import typer
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
class ClipFaces:
    """The largest face of every sampled frame of a clip that has one."""

    frames: int  # sampled
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


def predicted(path: Path, model: FaceModel, every: int) -> ClipFaces:
    """Return what the loaded ``model`` predicts of the clip at ``path``."""
    detector = Detector(most=1)
    crops: list[Image] = []
    quality: list[float] = []
    sampled = 0
    for frame in frames(path, every):
        sampled += 1
        for face in detector.detect(frame):
            crops.append(face_crop(frame, face.box, detector.name))
            quality.append(face_quality(crops[-1], face))
    return ClipFaces(sampled, crops, np.array(quality), model.predict(crops).p)


def main(
    files: Annotated[list[Path], typer.Argument(help="video files")],
    every: Annotated[int, typer.Option(min=1, help="predict every n-th frame")] = 5,
    crops: Annotated[Path | None, typer.Option(help="folder for the crops, as PNG")] = None,
) -> None:
    """Print what the face model predicts of each clip."""
    model = FaceModel()
    model.load("cpu")
    table = Table("clip", "frames", "faces", "quality", "the three likeliest")
    for path in files:
        found = predicted(path, model, every)
        quality = f"{found.quality.mean():.2f}" if found.crops else "-"
        shares = found.mean()
        likeliest = ", ".join(f"{EMOTIONS[i]} {shares[i]:.2f}" for i in np.argsort(-shares)[:3])
        table.add_row(path.stem, str(found.frames), str(len(found.crops)), quality, likeliest)
        for number, crop in enumerate(found.crops if crops else ()):
            cv2.imwrite(str(Path(str(crops)) / f"{path.stem}_{number:03d}.png"), crop)
    Console().print(table)


if __name__ == "__main__":
    typer.run(main)
