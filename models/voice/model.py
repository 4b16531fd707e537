"""The shipped voice model: log-mel features in, calibrated predictions out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import exp
from pathlib import Path
from typing import Literal

import numpy as np
import safetensors.torch
import torch
from torch import Tensor

from affectstream.models.batching import calibrated, in_fixed_rows, product_type
from affectstream.models.protocol import Array, Predictions
from affectstream.models.voice import features
from affectstream.models.voice.network import VoiceNet, embedding_size
from affectstream.models.weights import FOLDER, checked_file, read_card
from affectstream.schemas.errors import ModelError
from affectstream.schemas.labels import INDEX, N_EMOTIONS

Prior = Literal["calls", "balanced"]
SHAPE = (features.N_MELS, features.FRAMES)


@dataclass(frozen=True)
class Balanced:
    """What answers at the prior of calls become where all emotions are expected alike."""

    model_id: str
    odds: float  # how many times those of neutral are as high at the prior of calls

    def of(self, predictions: Predictions) -> Predictions:
        """Return the same predictions at the balanced prior; what was removed stays as it was."""
        unknown = predictions.removed[:, None]
        known = np.maximum(predictions.p - unknown / N_EMOTIONS, 0.0)
        known[:, INDEX["neutral"]] /= self.odds
        whole = np.maximum(known.sum(axis=1, keepdims=True), np.finfo(np.float64).tiny)
        return replace(predictions, p=(1 - unknown) * known / whole + unknown / N_EMOTIONS)


class VoiceModel:
    """Predicts seven calibrated probabilities for two-second windows of speech.

    ``features.features`` prepares the input; it holds no state and runs on any thread.
    """

    def __init__(
        self, card_name: str = "voice", rows: int = 1, folder: Path = FOLDER, prior: Prior = "calls"
    ) -> None:
        """Read the card; ``rows`` is the fixed batch that every input is padded to.

        ``prior``: what is expected before anything is heard, a routine call or all emotions alike.
        """
        card = read_card(card_name, folder)
        offset = float(card.config.get("calls_offset", 0.0))
        self.balanced = Balanced(f"{card.model_id}+balanced", exp(offset / card.temperature))
        self.model_id = card.model_id if prior == "calls" else self.balanced.model_id
        self._offset = torch.zeros(N_EMOTIONS, dtype=torch.float64)
        if prior == "calls":
            self._offset[INDEX["neutral"]] = offset
        self._name, self._folder, self._rows = card_name, folder, rows
        self._temperature = card.temperature
        self._device = "cpu"
        self._net: VoiceNet | None = None

    def load(self, device: str) -> None:
        """Read the weights onto ``device``; raises ModelError where they do not fit the card."""
        path, card = checked_file(self._name, self._folder)
        try:
            net = VoiceNet(int(card.config["members"]), int(card.config["hidden"]))
            net.load_state_dict(safetensors.torch.load_file(path))
        except (KeyError, RuntimeError) as error:
            raise ModelError(f"{path} does not hold the network that its card describes") from error
        try:
            self._net = net.eval().to(device)
            self._net.encoder.to(product_type(device))
        except (RuntimeError, AssertionError) as error:
            raise ModelError(f"{path} cannot be used on {device!r}: is the device there?") from error
        self._device = device

    @property
    def embedding_size(self) -> int:
        """Return the number of statistics that the heads read."""
        return embedding_size()

    def predict(self, prepared: Sequence[Array]) -> Predictions:
        """Return the predictions for windows (80, 200); embeddings are the statistics that the heads read.

        What is unlike all speech in training has mass removed, and is as much flatter.
        """
        if not len(prepared):
            return Predictions.empty(self.embedding_size)
        wrong = next((p.shape for p in prepared if p.shape != SHAPE), None)
        if wrong is not None:
            raise ModelError(f"a voice window has the shape {wrong}, expected {SHAPE}")
        p, removed, embeddings = in_fixed_rows(np.stack(prepared), self._rows, self._forward, self._device)
        return Predictions(p, removed, embeddings)

    def _forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        if self._net is None:
            raise ModelError("load() must come before predict()")
        logits, embeddings, unknown = self._net.with_evidence(x)
        share = unknown.double()[:, None]
        leant = logits.double() + self._offset.to(logits.device)
        p = (1 - share) * calibrated(leant, self._temperature) + share / N_EMOTIONS
        return p, unknown.double(), embeddings
