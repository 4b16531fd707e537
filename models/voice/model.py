"""The shipped voice model: log-mel features in, calibrated predictions out."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
from torch import Tensor

from affectstream.models.batching import calibrated, in_fixed_rows
from affectstream.models.protocol import Array, Predictions
from affectstream.models.voice import features
from affectstream.models.voice.network import VoiceEnsemble, embedding_size
from affectstream.models.weights import FOLDER, checked_file, read_card
from affectstream.schemas.errors import ModelError

SHAPE = (1, features.N_MELS, features.FRAMES)


class VoiceModel:
    """Predicts seven calibrated probabilities for two-second windows of speech.

    ``features.features`` prepares the input; it holds no state and runs on any thread.
    """

    def __init__(self, card_name: str = "voice", rows: int = 1, folder: Path = FOLDER) -> None:
        """Read the card; ``rows`` is the fixed batch that every input is padded to."""
        card = read_card(card_name, folder)
        self.model_id = card.model_id
        self._config = card.config
        self._name, self._folder, self._rows = card_name, folder, rows
        self._temperature = card.temperature
        self._device = "cpu"
        self._net: VoiceEnsemble | None = None

    def load(self, device: str) -> None:
        """Read the weights onto ``device``; raises ModelError where they do not fit the card."""
        path, card = checked_file(self._name, self._folder)
        net = VoiceEnsemble(int(card.config["members"]), int(card.config["width"]))
        try:
            net.load_state_dict(safetensors.torch.load_file(path))
        except RuntimeError as error:
            raise ModelError(f"{path} does not hold the network that its card describes") from error
        try:
            self._net = net.eval().to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        except (RuntimeError, AssertionError) as error:
            raise ModelError(f"{path} cannot be used on {device!r}: is the device there?") from error
        self._device = device

    @property
    def embedding_size(self) -> int:
        """Return the number of features that the heads of all members read."""
        return embedding_size(int(self._config["members"]), int(self._config["width"]))

    def predict(self, prepared: Sequence[Array]) -> Predictions:
        """Return the predictions for windows (1, 64, 126); embeddings are what the heads read, by member."""
        if not len(prepared):
            return Predictions.empty(self.embedding_size)
        wrong = next((p.shape for p in prepared if p.shape != SHAPE), None)
        if wrong is not None:
            raise ModelError(f"a voice window has the shape {wrong}, expected {SHAPE}")
        return Predictions.of(*in_fixed_rows(np.stack(prepared), self._rows, self._forward, self._device))

    def _forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        if self._net is None:
            raise ModelError("load() must come before predict()")
        logits, embeddings = self._net.with_embeddings(x)
        return calibrated(logits, self._temperature), embeddings.float()
