"""Log-mel features of a two-second window of speech, as Whisper's encoder reads them but for the level."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

RATE_HZ = 16_000
WINDOW_S = 2.0
WINDOW_SAMPLES = int(RATE_HZ * WINDOW_S)
N_FFT = 400  # 25 ms
HOP_SAMPLES = 160  # 10 ms
N_MELS = 80
FRAMES = WINDOW_SAMPLES // HOP_SAMPLES  # 200
MEL_PER_HZ = 3 / 200  # of Slaney's scale below 1 kHz, which is mel 15
MEL_PER_LOG_HZ = 27 / np.log(6.4)  # above
RANGE = 6.0  # powers of ten; what lies further below the loudest bin is cut off
LOUDEST = 1.25  # where the loudest bin lies, about as in speech at full scale through Whisper's own scaling

Floats = npt.NDArray[np.float32]


def features(samples: Floats, rate_hz: int) -> Floats:
    """Return the features (80, 200) of mono ``samples`` at any rate.

    The window is resampled to 16 kHz and brought to two seconds: a longer one loses its oldest part, a
    shorter one is padded with silence on both sides. The level is relative to the loudest bin, so that
    neither the corpus's nor the microphone's loudness matters while the contour of the energy is kept.
    """
    return normalise(mel_power(fit_window(resample(samples, rate_hz))))


def resample(samples: Floats, rate_hz: int) -> Floats:
    """Return mono samples at 16 kHz."""
    if rate_hz == RATE_HZ or not len(samples):
        return np.asarray(samples, dtype=np.float32)
    import soxr  # only for other rates than the model's own

    return np.asarray(soxr.resample(samples, rate_hz, RATE_HZ, quality="HQ"), dtype=np.float32)


def fit_window(samples: Floats) -> Floats:
    """Return exactly two seconds at 16 kHz."""
    missing = WINDOW_SAMPLES - len(samples)
    if missing <= 0:
        return samples[-WINDOW_SAMPLES:]
    return np.pad(samples, (missing // 2, missing - missing // 2))


def mel_power(samples: Floats) -> Floats:
    """Return the mel power spectrogram (80, n // 160) of n samples at 16 kHz.

    Frames are centred and windowed as in ``librosa.stft``, less the last one, as Whisper has it; the bands
    are those of ``librosa.filters.mel``.
    """
    padded = np.pad(samples, N_FFT // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, N_FFT)[::HOP_SAMPLES][:-1]  # (frames, 400)
    spectrum = np.fft.rfft(frames * _window()).astype(np.complex64)  # (frames, 201)
    power = np.ascontiguousarray((spectrum.real**2 + spectrum.imag**2).T)
    return filtered(power)


def filtered(power: Floats) -> Floats:
    """Return the mel bands (80, frames) of a power spectrum (201, frames)."""
    bands = np.zeros((N_MELS, power.shape[1]), np.float32)
    for tap in _filter_taps():
        bands[tap.first_band :] += tap.weights * power[tap.bins]
    return bands


@cache
def _window() -> npt.NDArray[np.float64]:
    """Return the periodic Hann window (400,)."""
    return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(N_FFT) / N_FFT)


@dataclass(frozen=True)
class _Tap:
    """The n-th bin of every band from ``first_band`` on; the bands before are narrower."""

    first_band: int
    bins: npt.NDArray[np.intp]  # (bands,)
    weights: Floats  # (bands, 1), 0 where a band is narrower too


@cache
def _filter_taps() -> tuple[_Tap, ...]:
    """Return the non-zero part of the filters, tap by tap.

    A dense product would wake every thread of the BLAS, and would add up in an order of its own.
    """
    filters = _filters()
    start, width = (filters > 0).argmax(axis=1), (filters > 0).sum(axis=1)  # (80,) each
    taps = np.arange(width.max())
    bins = np.minimum(start[:, np.newaxis] + taps, N_FFT // 2)  # (80, taps)
    weights = np.where(taps < width[:, np.newaxis], np.take_along_axis(filters, bins, axis=1), np.float32(0))
    first = [int((width > n).argmax()) for n in taps]
    return tuple(_Tap(i, bins[i:, n], weights[i:, n, np.newaxis]) for n, i in enumerate(first))


def _filters() -> Floats:
    """Return triangular bands (80, 201) of equal area, evenly spaced on Slaney's mel scale."""
    edges = _hz(np.linspace(0.0, _mel(RATE_HZ / 2), N_MELS + 2))
    bins = np.fft.rfftfreq(N_FFT, 1 / RATE_HZ)
    rise = (bins - edges[:-2, np.newaxis]) / np.diff(edges)[:-1, np.newaxis]
    fall = (edges[2:, np.newaxis] - bins) / np.diff(edges)[1:, np.newaxis]
    triangles = np.maximum(0, np.minimum(rise, fall)).astype(np.float32)  # rounded here, as librosa does
    return (triangles * (2 / (edges[2:] - edges[:-2]))[:, np.newaxis]).astype(np.float32)


def _mel(hz: float) -> float:
    return hz * MEL_PER_HZ if hz < 1000 else 15 + float(np.log(hz / 1000)) * MEL_PER_LOG_HZ


def _hz(mel: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.where(mel < 15, mel / MEL_PER_HZ, 1000 * np.exp((mel - 15) / MEL_PER_LOG_HZ))


def normalise(power: Floats) -> Floats:
    """Return mel power (..., 80, frames) as powers of ten around its loudest bin, a quarter as large."""
    level = np.log10(np.maximum(power, 1e-10))
    level -= level.max(axis=(-2, -1), keepdims=True)
    return np.asarray(np.maximum(level, -RANGE) / 4 + LOUDEST, dtype=np.float32)
