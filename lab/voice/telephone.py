"""Speech as a telephone line carries it, and with noise."""

import numpy as np
import numpy.typing as npt
import soxr

Floats = npt.NDArray[np.float32]

LINE_HZ = 8_000
MU = 255.0


def mu_law(samples: Floats) -> Floats:
    """Return ``samples`` after eight-bit mu-law coding and decoding (the curve of ITU-T G.711)."""
    clipped = np.clip(samples, -1.0, 1.0)
    coded = np.sign(clipped) * np.log1p(MU * np.abs(clipped)) / np.log1p(MU)
    coded = np.round((coded + 1) / 2 * MU) / MU * 2 - 1
    decoded = np.sign(coded) * np.expm1(np.abs(coded) * np.log1p(MU)) / MU
    return np.asarray(decoded, dtype=np.float32)


def line(samples: Floats, rate_hz: int) -> Floats:
    """Return ``samples`` at 8 kHz after mu-law coding: what a receiver gets."""
    return mu_law(soxr.resample(samples, rate_hz, LINE_HZ, quality="HQ"))


def through(samples: Floats, rate_hz: int) -> Floats:
    """Return ``samples`` sent over the line and brought back to ``rate_hz``."""
    return np.asarray(soxr.resample(line(samples, rate_hz), LINE_HZ, rate_hz, quality="HQ"), dtype=np.float32)


def with_noise(samples: Floats, snr_db: float, rng: np.random.Generator) -> Floats:
    """Return ``samples`` with white noise ``snr_db`` below their mean power."""
    level = np.sqrt(np.mean(np.square(samples, dtype=np.float64)) * 10 ** (-snr_db / 10))
    return np.asarray(samples + level * rng.standard_normal(len(samples)), dtype=np.float32)
