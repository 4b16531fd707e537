"""A face model in an ONNX file, as an EmotionModel.

The files are EmotiEffLib's (Savchenko, "Facial expression recognition with adaptive frame rate", ICML 2023).
An ONNX file holds no code, unlike the pickled models published beside them.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from scipy.special import softmax

from affectstream.models.face.crop import Box, Image
from affectstream.models.hub.face import rgb_square
from affectstream.models.hub.known import ONNX_FACES, onnx_face
from affectstream.models.hub.labels import label_map, lifted
from affectstream.models.hub.snapshot import DIGITS
from affectstream.models.protocol import Array, Predictions
from affectstream.schemas.errors import InputError, ModelError


class OnnxFaceModel:
    """Seven probabilities for colour faces; uncalibrated. One per thread: OpenCV's network keeps buffers."""

    embedding_size = 0

    def __init__(self, source: str, sha256: str | None = None) -> None:
        """Read and check the file; ``sha256`` may be the beginning of the hash. Raises ModelError."""
        path = Path(source).expanduser()
        family = onnx_face(source)
        if family is None:
            names = ", ".join(face.stem for face in ONNX_FACES)
            raise ModelError(f"{path.name} is no known face model: its name must begin with one of {names}")
        try:
            self._bytes = path.read_bytes()
        except OSError as error:
            raise ModelError(f"no face model at {path}: name an ONNX file that is there") from error
        digest = hashlib.sha256(self._bytes).hexdigest()
        if sha256 and not digest.startswith(sha256.lower()):
            raise ModelError(f"{path} has the sha256 {digest}, not the revision {sha256}")
        self.model_id = f"{path.stem}@{digest[:DIGITS]}"
        self._path, self._family, self._labels = path, family, label_map(family.labels)
        self._network: cv2.dnn.Net | None = None

    def load(self, device: str) -> None:
        """Build the network, on the CPU whatever ``device`` is, and try it; raises ModelError."""
        side = self._family.side
        try:
            self._network = cv2.dnn.readNetFromONNX(np.frombuffer(self._bytes, np.uint8))
            self.predict([np.zeros((3, side, side), np.float32)])
        except cv2.error as error:
            raise ModelError(
                f"{self._path} is not an ONNX file that OpenCV {cv2.__version__} can run"
            ) from error

    def prepare(self, picture: Image, box: Box) -> Array:
        """Return the face (3, side, side) in ``box`` of a BGR frame, as the model was trained on."""
        side = self._family.side
        face = cv2.resize(rgb_square(picture, box), (side, side), interpolation=cv2.INTER_LINEAR)
        scaled = (face / 255.0 - self._family.mean) / self._family.std
        return np.ascontiguousarray(scaled.transpose(2, 0, 1), dtype=np.float32)

    def predict(self, prepared: Sequence[Array]) -> Predictions:
        """Return the predictions for what ``prepare`` made, in its order."""
        if self._network is None:
            raise ModelError("the face model was asked for an answer before load()")
        side = self._family.side
        if any(face.shape != (3, side, side) for face in prepared):
            raise InputError(f"a face must be prepared as (3, {side}, {side})")
        shares = [self._one(face) for face in prepared]
        return lifted(np.array(shares).reshape(-1, len(self._family.labels)), self._labels)

    def _one(self, face: Array) -> Array:
        """Return the shares of the labels for one face: alone in its pass, no other can change a bit."""
        assert self._network is not None
        self._network.setInput(face[None])
        row = np.asarray(self._network.forward()).reshape(-1)
        if len(row) != self._family.outputs:
            raise ModelError(
                f"{self._path} has {len(row)} outputs, {self._family.stem} has {self._family.outputs}"
            )
        return np.asarray(softmax(row[: len(self._family.labels)].astype(np.float64)))
