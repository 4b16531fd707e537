"""What every emotion model offers, offline and in the stream alike."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Probabilities = npt.NDArray[
    np.float64
]  # (batch, 7), rows sum to one, order of affectstream.schemas.labels.EMOTIONS
Embeddings = npt.NDArray[np.float32]  # (batch, size), what the last layer of a network reads
Array = npt.NDArray[Any]


class EmotionModel(Protocol):
    """One input in, seven calibrated probabilities out.

    The same prepared input gives the same bits however it was batched: ``predict`` pads to fixed shapes
    (``affectstream.models.batching``). ``prepare`` may run on any thread and never touches the device.
    """

    model_id: str

    def load(self, device: str) -> None:
        """Read the weights onto ``device`` ("cpu", "cuda", "cuda:1"); raises ModelError."""

    def predict(self, prepared: Sequence[Array]) -> Probabilities:
        """Return the calibrated probabilities of inputs that ``prepare`` made, in their order."""


class EmbeddingModel(EmotionModel, Protocol):
    """A model that also tells what its last layer read, for a fusion that learns from it."""

    @property
    def embedding_size(self) -> int:
        """Return the number of features of one embedding; known before load()."""

    def predict_with_embeddings(self, prepared: Sequence[Array]) -> tuple[Probabilities, Embeddings]:
        """Return the bits of ``predict`` and the embeddings (batch, embedding_size), in one pass.

        An embedding too has the same bits however its input was batched.
        """
