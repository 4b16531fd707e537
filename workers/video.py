"""The video worker: JPEG to faces, their boxes and crops, all of a batch in one pass; imports models.face."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np

from models.face.crop import SIDE, Box, face_crop
from models.face.detect import Detector
from models.face.model import FaceModel
from models.face.quality import face_quality
from models.protocol import EmotionModel
from runtime.settings import Settings
from schemas.messages import Face, Modality, Probabilities, Reason, VideoFrame
from workers import device, jpeg, serve
from workers.observe import Array, Rows, Sight, distribution, probabilities

MODALITY: Modality = "video"

Shares = tuple[float, float, float, float]  # left, top, width, height of the picture


@dataclass(frozen=True)
class _Seen:
    """What is known of one face before the model has spoken."""

    box: Shares
    score: float
    quality: float


class VideoAnalyst:
    """Looks at one frame; the model sees the crops of its largest faces."""

    modality = MODALITY

    def __init__(self, model: EmotionModel, detector: Detector) -> None:
        self.model_id = model.model_id
        self._model, self._detector = model, detector

    def look(self, message: VideoFrame) -> Sight | Reason:
        """Return the faces, largest first, or that there is none; raises InputError for what is no JPEG."""
        picture = jpeg.decode(message.jpeg)
        crops, seen = [], []
        for face in self._detector.detect(picture):
            box = shares(face.box, picture.shape[1], picture.shape[0])
            if box is None:
                continue
            crop = face_crop(picture, face.box)
            crops.append(crop)
            seen.append(_Seen(box, face.score, face_quality(crop, face)))
        return Sight(crops, partial(self._tell, message, seen)) if seen else Reason.NO_FACE

    def predict(self, inputs: Sequence[Array]) -> Rows:
        """Return a distribution (inputs, 7) per face."""
        with device.failure_stops():
            return self._model.predict(inputs)

    def _tell(self, message: VideoFrame, seen: Sequence[_Seen], rows: Rows) -> Probabilities:
        faces = tuple(
            Face(box=one.box, score=one.score, quality=one.quality, p=distribution(row))
            for one, row in zip(seen, rows, strict=True)
        )
        return probabilities(message, self.model_id, faces[0].p, faces[0].quality, faces)


def shares(box: Box, width: int, height: int) -> Shares | None:
    """Return the part of ``box`` that lies in a picture of ``width`` x ``height``, as shares of it.

    None where no part of it does.
    """
    left, right = (min(max(x / width, 0.0), 1.0) for x in (box.x, box.x + box.width))
    top, bottom = (min(max(y / height, 0.0), 1.0) for y in (box.y, box.y + box.height))
    if right <= left or bottom <= top:
        return None
    return (left, top, right - left, bottom - top)


def analyst(settings: Settings) -> VideoAnalyst:
    """Return the analyst that ``settings`` ask for, weights loaded; raises ModelError or SettingsError."""
    own = settings.video
    device.require_shipped(MODALITY, own.model)
    cv2.setNumThreads(own.threads)
    model = FaceModel()
    model.load(device.choose(own.device))
    model.predict(
        [np.zeros((SIDE, SIDE), np.uint8)]
    )  # the first pass is slow; let it be before the first input
    return VideoAnalyst(model, Detector(own.yunet_path, own.max_faces))


def main() -> None:
    """Be the video worker."""
    serve.run(MODALITY, analyst)


if __name__ == "__main__":
    main()
