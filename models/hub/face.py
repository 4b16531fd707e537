"""A hub model that classifies pictures of faces, as an EmotionModel."""

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from torch import nn
from transformers import AutoImageProcessor, AutoModelForImageClassification

from affectstream.models.face.crop import GROW, Box, Image
from affectstream.models.hub.classifier import Classifier, reader_of
from affectstream.models.hub.snapshot import Snapshot
from affectstream.models.protocol import Array, Predictions
from affectstream.schemas.errors import InputError


def rgb_square(image: Image, box: Box) -> Image:
    """Return the square RGB face (side, side, 3) about ``box`` of a BGR frame, as large as it is there.

    It is the square of ``models.face.crop.face_crop`` in colour; where it leaves the frame, the edge is
    repeated. Raises InputError for another kind of image and for a box without area.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise InputError(f"a frame must be BGR uint8 (h, w, 3), not {image.dtype} {image.shape}")
    if min(box.width, box.height) <= 0:
        raise InputError(f"the box {tuple(box)} has no area")
    side = max(1, round(max(box.width, box.height) * GROW))
    # getRectSubPix takes the middle in coordinates of pixel centres and repeats the edge.
    left, top = round(box.x + (box.width - side) / 2), round(box.y + (box.height - side) / 2)
    middle = (left + (side - 1) / 2, top + (side - 1) / 2)
    patch = cv2.getRectSubPix(image, (side, side), middle)
    return np.asarray(cv2.cvtColor(patch, cv2.COLOR_BGR2RGB), dtype=np.uint8)


class HubFace:
    """Seven probabilities for colour faces; uncalibrated, as the hub's models are."""

    embedding_size = 0

    def __init__(self, snapshot: Snapshot) -> None:
        """Read labels and preprocessing; raises ModelError."""
        self.model_id = snapshot.model_id
        self._classifier = Classifier(snapshot)
        self._processor = reader_of(AutoImageProcessor, snapshot)

    def load(self, device: str) -> None:
        """Read the weights onto ``device``; raises ModelError."""
        self._classifier.load(AutoModelForImageClassification, device)
        blank = np.zeros((64, 64, 3), np.uint8)
        self._classifier.require_answer(lambda: self.predict([self.prepare(blank, Box(8, 8, 48, 48))]))

    def prepare(self, picture: Image, box: Box) -> Array:
        """Return the face (3, side, side) in ``box`` of a BGR frame, as the model was trained on."""
        face = rgb_square(picture, box)
        pixels = self._processor(images=face, input_data_format="channels_last", return_tensors="pt")
        return np.asarray(pixels["pixel_values"][0].numpy(), dtype=np.float32)

    def predict(self, prepared: Sequence[Array]) -> Predictions:
        """Return the predictions for what ``prepare`` made, in its order."""
        shapes = {array.shape for array in prepared}
        if len(shapes) > 1:
            raise InputError(f"faces of different shapes {shapes}: prepare() makes them equal")
        return self._classifier.predict(np.stack(prepared) if shapes else np.zeros((0, 3, 1, 1)), _forward)


def _forward(network: nn.Module, pixels: torch.Tensor) -> torch.Tensor:
    logits: torch.Tensor = network(pixel_values=pixels).logits
    return logits
