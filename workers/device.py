"""The device that a worker computes on: which one, on how many threads, and what it predicts there."""

from collections.abc import Sequence

import torch

from affectstream.models.protocol import Array, EmotionModel, Predictions
from affectstream.schemas.errors import SettingsError, Unavailable


def choose(setting: str) -> str:
    """Return the torch device of a setting; "auto" is CUDA where there is one. Raises an AffectError."""
    if setting == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(setting)
    except RuntimeError:
        raise SettingsError(f"no device is called {setting!r}: use auto, cpu, cuda or cuda:N") from None
    if device.type == "cuda" and not torch.cuda.is_available():
        raise Unavailable(f"the device {setting!r} is set, but torch sees no CUDA device: use auto or cpu")
    return setting


def fixed_rows(device: str) -> int:
    """Return the rows of one pass of a model whose rows cost their time on a CPU, and little on a GPU.

    A pass that is not full is filled up; the number is no setting, since the last bits depend on it.
    """
    return 1 if device == "cpu" else 32


def limit_threads(threads: int) -> None:
    """Let torch use ``threads`` cores; for the whole process, before anything is computed."""
    torch.set_num_threads(threads)


def predicted(model: EmotionModel, inputs: Sequence[Array], embeddings: bool) -> Predictions:
    """Return the predictions of a model, with embeddings only where those are wanted.

    Raises Unavailable for a fault of the device: no input is to blame, and only a new process helps.
    """
    try:
        predictions = model.predict(inputs)
    except torch.AcceleratorError as error:
        raise Unavailable(
            f"the device failed ({type(error).__name__}): restart the worker; nothing unpublished is lost"
        ) from error
    return predictions if embeddings else predictions.without_embeddings()
