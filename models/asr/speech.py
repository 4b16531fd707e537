"""Probabilities of speech in a stretch of sound, by Silero's voice activity detector.

Silero Team, "Silero VAD", https://github.com/snakers4/silero-vad (MIT). The weights are read from the package
``silero-vad``, whose code is not used: ONNX runs the network over all frames of a stretch at once, from an
empty state, so what it finds in a stretch depends on that stretch alone.
"""

import hashlib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import onnxruntime

from affectstream.models.voice.features import resample
from affectstream.schemas.errors import ModelError

PACKAGE, VERSION = "silero-vad", "6.2.3"
FILE = "silero_vad/data/silero_vad_16k_sequence.onnx"
SHA256 = "9ccdacc4719d8aa7e45a77536bfabec45a03ba1f2fad5e241ab4060b24238a85"

FRAME_MS = 32
FRAME, BEFORE = 512, 64  # samples of a frame, and of the one before it that the network sees too

Floats = npt.NDArray[np.float32]


class Detector(Protocol):
    """What tells speech from other sound."""

    def probabilities(self, samples: Floats, rate_hz: int) -> Floats:
        """Return the probability of speech (frames,) in each whole frame of 32 ms, counted from the end."""


class SpeechDetector:
    """The network. One per thread."""

    def __init__(self) -> None:
        """Read the weights; raises ModelError for other ones than those that were measured."""
        data = _file().read_bytes()
        if hashlib.sha256(data).hexdigest() != SHA256:
            raise ModelError(
                f"the weights of {PACKAGE} are not the measured ones: install {PACKAGE}=={VERSION}"
            )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])

    def probabilities(self, samples: Floats, rate_hz: int) -> Floats:
        """Return the probability of speech (frames,) in each whole frame of 32 ms, counted from the end."""
        signal = resample(samples, rate_hz)
        frames = signal[len(signal) % FRAME :].reshape(-1, FRAME)
        if not len(frames):
            return np.zeros(0, np.float32)
        before = np.concatenate([np.zeros((1, BEFORE), np.float32), frames[:-1, -BEFORE:]])
        state = np.zeros((1, 1, 128), np.float32)
        inputs = {"input": np.concatenate([before, frames], axis=1), "h": state, "c": state}
        found = self._session.run(["speech_probs"], inputs)[0]
        return np.asarray(found, np.float32).reshape(-1)


def _file() -> Path:
    try:
        return Path(str(distribution(PACKAGE).locate_file(FILE)))
    except PackageNotFoundError:
        raise ModelError(f"the speech detector is not installed: pip install {PACKAGE}=={VERSION}") from None
