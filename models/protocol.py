"""The contract of every emotion model, in the stream and offline alike."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from affectstream.schemas.labels import N_EMOTIONS

Probabilities = npt.NDArray[np.float64]  # (inputs, 7), rows sum to one, in the order of EMOTIONS
Embeddings = npt.NDArray[np.float32]  # (inputs, size), what the last layer of a network reads
Array = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a model predicts for a batch, one row per input."""

    p: Probabilities
    removed: npt.NDArray[np.float64]  # (inputs,), mass that a hub model gave to none of the seven
    embeddings: Embeddings | None = None

    @classmethod
    def of(cls, p: Probabilities, embeddings: Embeddings | None = None) -> "Predictions":
        """Return predictions of which nothing was removed."""
        return cls(p, np.zeros(len(p)), embeddings)

    @classmethod
    def empty(cls, embedding_size: int = 0) -> "Predictions":
        """Return the predictions for no input; without embeddings where their size is 0."""
        embeddings = np.zeros((0, embedding_size), np.float32) if embedding_size else None
        return cls.of(np.zeros((0, N_EMOTIONS)), embeddings)

    def __len__(self) -> int:
        return len(self.p)

    def rows(self, start: int, stop: int) -> "Predictions":
        """Return the predictions for the inputs from ``start`` to before ``stop``."""
        embeddings = None if self.embeddings is None else self.embeddings[start:stop]
        return Predictions(self.p[start:stop], self.removed[start:stop], embeddings)

    def without_embeddings(self) -> "Predictions":
        """Return the same predictions with no embeddings."""
        return replace(self, embeddings=None)


class EmotionModel(Protocol):
    """One input in, seven calibrated probabilities out.

    The same prepared input gives the same bits however it was batched: ``predict`` pads to fixed shapes
    (``models.batching``). Preparing may run on any thread and never touches the device.
    """

    model_id: str

    @property
    def embedding_size(self) -> int:
        """Return the number of features of one embedding, 0 for a model without; known before load()."""

    def load(self, device: str) -> None:
        """Read the weights onto ``device`` ("cpu", "cuda", "cuda:1"); raises ModelError."""

    def predict(self, prepared: Sequence[Array]) -> Predictions:
        """Return the predictions for prepared inputs, in their order."""
