"""Log-mel features of a two-second window of speech."""

from functools import cache

import librosa
import numpy as np
import numpy.typing as npt
import soxr
from librosa.filters import mel
from scipy.sparse import csr_array

RATE_HZ = 16_000
WINDOW_S = 2.0
WINDOW_SAMPLES = int(RATE_HZ * WINDOW_S)
N_FFT = 1024
WIN_SAMPLES = 640  # 40 ms
HOP_SAMPLES = 256  # 16 ms
N_MELS = 64
FRAMES = 1 + WINDOW_SAMPLES // HOP_SAMPLES  # 126
F_MIN_HZ = 50.0
F_MAX_HZ = 7600.0
RANGE_DB = 60.0  # what lies further below the loudest bin is cut off

Floats = npt.NDArray[np.float32]


def features(samples: Floats, rate_hz: int) -> Floats:
    """Return the features (1, 64, 126) of mono ``samples`` at any rate.

    The window is resampled to 16 kHz and brought to two seconds: a longer one loses its oldest part, a
    shorter one is padded with silence on both sides. The level is relative to the loudest bin, so that
    neither the corpus's nor the microphone's loudness matters while the contour of the energy is kept.
    """
    return normalise(mel_power(fit_window(resample(samples, rate_hz))))[np.newaxis]


def resample(samples: Floats, rate_hz: int) -> Floats:
    """Return mono samples at 16 kHz."""
    if rate_hz == RATE_HZ or not len(samples):
        return np.asarray(samples, dtype=np.float32)
    return np.asarray(soxr.resample(samples, rate_hz, RATE_HZ, quality="HQ"), dtype=np.float32)


def fit_window(samples: Floats) -> Floats:
    """Return exactly two seconds at 16 kHz."""
    missing = WINDOW_SAMPLES - len(samples)
    if missing <= 0:
        return samples[-WINDOW_SAMPLES:]
    return np.pad(samples, (missing // 2, missing - missing // 2))


def mel_power(samples: Floats) -> Floats:
    """Return the mel power spectrogram (64, 1 + n // 256) of n samples at 16 kHz."""
    spectrum = librosa.stft(samples, n_fft=N_FFT, win_length=WIN_SAMPLES, hop_length=HOP_SAMPLES)
    power = spectrum.real**2 + spectrum.imag**2
    return np.asarray(_filters() @ power, dtype=np.float32)


@cache
def _filters() -> csr_array:
    """Return the bands (64, 513), sparse: a dense product would wake every thread of the BLAS."""
    return csr_array(mel(sr=RATE_HZ, n_fft=N_FFT, n_mels=N_MELS, fmin=F_MIN_HZ, fmax=F_MAX_HZ))


def normalise(power: Floats) -> Floats:
    """Return mel power (..., 64, frames) in dB below its loudest bin, mapped from [-60, 0] to [-1, 1]."""
    level = 10.0 * np.log10(np.maximum(power, 1e-12))
    level -= level.max(axis=(-2, -1), keepdims=True)
    return np.asarray(np.maximum(level, -RANGE_DB) * (2.0 / RANGE_DB) + 1.0, dtype=np.float32)
