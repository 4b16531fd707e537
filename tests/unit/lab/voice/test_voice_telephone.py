"""The telephone keeps what lies below 4 kHz and codes it as G.711 does."""

import numpy as np

from affectstream.lab.voice import telephone


def _tone(hz: float, rate_hz: int = 16_000) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * hz * np.arange(rate_hz) / rate_hz)).astype(np.float32)


def test_a_tone_within_the_band_comes_through() -> None:
    tone = _tone(1000)
    heard = telephone.through(tone, 16_000)
    assert heard.shape == tone.shape
    assert np.corrcoef(tone[1000:-1000], heard[1000:-1000])[0, 1] > 0.999


def test_a_tone_above_the_band_is_lost() -> None:
    heard = telephone.through(_tone(6000), 16_000)
    assert np.abs(heard[1000:-1000]).max() < 0.01


def test_mu_law_has_256_levels_finer_near_zero() -> None:
    levels = np.unique(telephone.mu_law(np.linspace(-1, 1, 100_001).astype(np.float32)))
    assert len(levels) <= 256
    steps = np.diff(levels)
    assert steps[len(steps) // 2] < steps[0] / 20


def test_noise_has_the_asked_for_ratio() -> None:
    tone = _tone(500)
    noisy = telephone.with_noise(tone, 10.0, np.random.default_rng(0))
    ratio_db = 10 * np.log10(np.mean(tone**2) / np.mean((noisy - tone) ** 2))
    assert abs(ratio_db - 10.0) < 0.3
