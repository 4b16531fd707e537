"""What every emotion model offers, offline and in the stream alike; imports numpy and schemas only."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Probabilities = npt.NDArray[np.float64]  # (batch, 7), rows sum to one, order of schemas.labels.EMOTIONS
Array = npt.NDArray[Any]


class EmotionModel(Protocol):
    """One input in, seven calibrated probabilities out.

    The same prepared input gives the same bits however it was batched: ``predict`` pads to fixed shapes
    (``models.batching``). ``prepare`` may run on any thread and never touches the device.
    """

    model_id: str

    def load(self, device: str) -> None:
        """Read the weights onto ``device`` ("cpu", "cuda", "cuda:1"); raises ModelError."""

    def predict(self, prepared: Sequence[Array]) -> Probabilities:
        """Return the calibrated probabilities of inputs that ``prepare`` made, in their order."""
