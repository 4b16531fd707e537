"""What turns an utterance into words: the interface, and which one a setting names."""

from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from affectstream.models.voice.features import RATE_HZ

__all__ = ["RATE_HZ", "Floats", "Recogniser", "choose"]

Floats = npt.NDArray[np.float32]


class Recogniser(Protocol):
    """A speech recogniser. One per thread; the same sound gives the same words."""

    @property
    def model_id(self) -> str:
        """Name and version."""

    def transcribe(self, samples: Floats) -> str:
        """Return the words in ``samples`` (n,) at 16 kHz, empty where it finds none that it is sure of."""


def choose(model: str, revision: str | None, language: str | None, device: str, threads: int) -> Recogniser:
    """Return the recogniser of a hub id or a folder, loaded; empty is Whisper tiny.en.

    A folder with a ``model.bin`` is one of CTranslate2's, as faster-whisper reads it. Raises ModelError,
    SettingsError and Unavailable.
    """
    if not model or (Path(model).expanduser() / "model.bin").is_file():
        from affectstream.models.asr.whisper import shipped, whisper

        if not model:
            return shipped(language, device, threads)
        return whisper(Path(model).expanduser(), language, device, threads)
    from affectstream.models.asr.hub import HubRecogniser
    from affectstream.models.hub.snapshot import fetch

    return HubRecogniser(fetch(model, revision), language, device)
