"""The shipped face model behind affectstream.models.protocol.EmotionModel.

A face of which the network is unsure is looked at once more, mirrored, and the mean of both counts. Whether
it is depends on the face alone, so that a batch changes nothing.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load_file

from affectstream.models.batching import in_fixed_rows, product_type
from affectstream.models.face.crop import SIDE
from affectstream.models.face.network import FaceNet, fuse
from affectstream.models.protocol import Array, Predictions, Probabilities
from affectstream.models.weights import FOLDER, checked_file, read_card
from affectstream.schemas.errors import InputError, ModelError

Floats = npt.NDArray[np.float64]


class FaceModel:
    """Seven calibrated probabilities for gray faces that ``models.face.crop.face_crop`` cut out."""

    def __init__(self, card_name: str = "face", rows: int = 8, folder: Path = FOLDER) -> None:
        """Read the card; ``rows`` is the fixed number of faces in one pass. Raises ModelError.

        Eight pass 86 % of the faces a second that 32 pass, and a face alone waits a quarter as long.
        """
        card = read_card(card_name, folder)
        self.model_id = card.model_id
        self._config = card.config
        self._name = card_name
        self._folder = folder
        self._rows = rows
        self._device = "cpu"
        self._network: FaceNet | None = None
        self._temperature = 1.0
        self._weight, self._bias = np.zeros((7, 0)), np.zeros(7)  # of the head

    def load(self, device: str) -> None:
        """Read the weights onto ``device``; raises ModelError."""
        path, card = checked_file(self._name, self._folder)
        try:
            network = FaceNet(card.config["widths"], card.config["depths"])
            network.load_state_dict({k: v.to(torch.float32) for k, v in load_file(path).items()})
            fuse(network.eval())
            network.convolve_in(product_type(device))
            head = network.head.to(torch.float64)  # its few products are taken by NumPy
            self._weight, self._bias = head.weight.detach().numpy(), head.bias.detach().numpy()
            self._network = network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        except (KeyError, RuntimeError, ValueError, AssertionError) as error:
            raise ModelError(f"{path} cannot be used on {device!r} with the network of its card") from error
        self._temperature = card.temperature
        self._device = device

    @property
    def embedding_size(self) -> int:
        """Return the number of maps of the last stage."""
        return int(self._config["widths"][-1])

    def predict(self, prepared: Sequence[Array]) -> Predictions:
        """Return the predictions for gray uint8 crops (48, 48); embeddings are what the head reads."""
        if self._network is None:
            raise ModelError("the face model was asked for an answer before load()")
        if any(crop.shape != (SIDE, SIDE) or crop.dtype != np.uint8 for crop in prepared):
            raise InputError(f"a face must be a gray uint8 crop ({SIDE}, {SIDE})")
        if not len(prepared):
            return Predictions.empty(self.embedding_size)
        faces = np.stack(prepared)
        maps = self._maps(faces)
        raw = self._softmax(maps, 1.0)
        unsure = raw.max(axis=1) < self._config.get("mirror_below", 0.0)
        if unsure.any():
            maps[unsure] = (maps[unsure] + self._maps(faces[unsure][:, :, ::-1].copy())) / 2
        return Predictions.of(self._softmax(maps, self._temperature), maps.astype(np.float32))

    def _maps(self, faces: Array) -> Floats:
        """Return what the head reads of faces (n, 48, 48): (n, embedding_size)."""
        assert self._network is not None
        embed = self._network.embed
        (maps,) = in_fixed_rows(faces, self._rows, lambda batch: (embed(batch).double(),), self._device)
        return maps

    def _softmax(self, maps: Floats, temperature: float) -> Probabilities:
        """Return the probabilities (n, 7) of maps; sums element by element, the same for any n."""
        logits = (maps[:, None, :] * self._weight).sum(axis=2) + self._bias
        scaled = logits / temperature
        shares: Probabilities = np.exp(scaled - scaled.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        return shares
