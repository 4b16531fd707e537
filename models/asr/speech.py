"""Probabilities of speech in a stretch of sound, by Silero's voice activity detector.

Silero Team, "Silero VAD", https://github.com/snakers4/silero-vad (MIT). The weights are read from the package
``silero-vad``, whose code is not used: ONNX runs the network over the frames of a stretch from an empty
state, so what it finds in a stretch depends on that stretch alone. Sound at 8 kHz has a network of its own:
that for 16 kHz misses much of what a telephone carries.
"""

import hashlib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import onnxruntime

from affectstream.models.voice.features import resample
from affectstream.schemas.errors import ModelError

PACKAGE, VERSION = "silero-vad", "6.2.3"
WIDE = "silero_vad_16k_sequence.onnx", "9ccdacc4719d8aa7e45a77536bfabec45a03ba1f2fad5e241ab4060b24238a85"
NARROW = "silero_vad.onnx", "1a153a22f4509e292a94e67d6f9b85e8deb25b4988682b7e174c65279d8788e3"

FRAME_MS = 32
FRAME, BEFORE = 512, 64  # samples of a frame at 16 kHz, and of the one before it that the network sees too
NARROW_HZ, NARROW_FRAME, NARROW_BEFORE = 8_000, 256, 32

Floats = npt.NDArray[np.float32]


class Detector(Protocol):
    """What tells speech from other sound."""

    def probabilities(self, samples: Floats, rate_hz: int) -> Floats:
        """Return the probability of speech (frames,) in each whole frame of 32 ms, counted from the end."""


class SpeechDetector:
    """The network. One per thread."""

    def __init__(self) -> None:
        """Read the weights; raises ModelError for other ones than those that were measured."""
        self._wide, self._narrow = _session(*WIDE), _session(*NARROW)

    def probabilities(self, samples: Floats, rate_hz: int) -> Floats:
        """Return the probability of speech (frames,) in each whole frame of 32 ms, counted from the end."""
        if rate_hz == NARROW_HZ:
            return self._of_telephone(samples)
        signal = resample(samples, rate_hz)
        frames = signal[len(signal) % FRAME :].reshape(-1, FRAME)
        if not len(frames):
            return np.zeros(0, np.float32)
        before = np.concatenate([np.zeros((1, BEFORE), np.float32), frames[:-1, -BEFORE:]])
        state = np.zeros((1, 1, 128), np.float32)
        inputs = {"input": np.concatenate([before, frames], axis=1), "h": state, "c": state}
        found = self._wide.run(["speech_probs"], inputs)[0]
        return np.asarray(found, np.float32).reshape(-1)

    def _of_telephone(self, samples: Floats) -> Floats:
        """Return the probabilities of sound at 8 kHz, frame by frame."""
        frames = samples[len(samples) % NARROW_FRAME :].reshape(-1, 1, NARROW_FRAME)
        before, state = np.zeros((1, NARROW_BEFORE), np.float32), np.zeros((2, 1, 128), np.float32)
        rate, found = np.array(NARROW_HZ, np.int64), np.zeros(len(frames), np.float32)
        for n, frame in enumerate(frames):
            inputs = {"input": np.concatenate([before, frame], axis=1), "state": state, "sr": rate}
            p, state = self._narrow.run(None, inputs)
            found[n], before = p[0, 0], frame[:, -NARROW_BEFORE:]
        return found


def _session(name: str, sha256: str) -> Any:
    """Return one of the package's networks; raises ModelError for another one than was measured."""
    try:
        path = Path(str(distribution(PACKAGE).locate_file(f"silero_vad/data/{name}")))
    except PackageNotFoundError:
        raise ModelError(f"the speech detector is not installed: pip install {PACKAGE}=={VERSION}") from None
    data = path.read_bytes() if path.is_file() else b""
    if hashlib.sha256(data).hexdigest() != sha256:
        raise ModelError(f"the weights of {PACKAGE} are not the measured ones: install {PACKAGE}=={VERSION}")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
