"""Features have one shape whatever the rate and length, and do not know the loudness."""

import librosa
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from affectstream.models.voice import features


def _sweep(rate_hz: int, seconds: float = 2.0) -> np.ndarray:
    t = np.arange(round(rate_hz * seconds)) / rate_hz
    return (0.3 * np.sin(2 * np.pi * (200 * t + 300 * t**2))).astype(np.float32)


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 22_050, 44_100, 48_000])
def test_every_rate_gives_the_shape_of_the_network(rate_hz: int) -> None:
    found = features.features(_sweep(rate_hz), rate_hz)
    assert found.shape == (features.N_MELS, features.FRAMES) == (80, 200)
    assert found.dtype == np.float32


@pytest.mark.parametrize("rate_hz", [8_000, 44_100, 48_000])
def test_rates_agree_where_both_have_content(rate_hz: int) -> None:
    found, expected = (features.features(_sweep(hz), hz) for hz in (rate_hz, 16_000))
    inside = expected > 0.7
    assert np.abs(found - expected)[inside].max() < 0.1


@settings(max_examples=10, deadline=None)
@given(st.floats(-30, 6))
def test_the_level_of_the_recording_does_not_matter(gain_db: float) -> None:
    sweep = _sweep(16_000)
    loud = features.features(sweep * np.float32(10 ** (gain_db / 20)), 16_000)
    np.testing.assert_allclose(loud, features.features(sweep, 16_000), atol=1e-3)


def test_the_contour_of_the_energy_is_kept() -> None:
    sweep = _sweep(16_000)
    sweep[16_000:] *= 0.1
    rows = features.features(sweep, 16_000).max(axis=0)
    assert rows[30:80].mean() - rows[120:170].mean() == pytest.approx(
        2 / 4, abs=0.06
    )  # a hundredth of the power


def test_a_longer_window_keeps_its_newest_two_seconds() -> None:
    long = np.concatenate([np.ones(8_000, np.float32), _sweep(16_000)])
    np.testing.assert_array_equal(features.features(long, 16_000), features.features(_sweep(16_000), 16_000))


@pytest.mark.parametrize("n", [0, 1, 100, 5_000])
def test_a_short_or_empty_window_is_padded(n: int) -> None:
    found = features.features(_sweep(16_000)[:n], 16_000)
    assert found.shape == (80, 200)
    assert np.isfinite(found).all()


def test_the_same_samples_give_the_same_bits() -> None:
    one, two = (features.features(_sweep(44_100), 44_100) for _ in range(2))
    np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("n", [2_080, 32_000, 50_080])  # whole hops: the last centred frame is left away
def test_the_mel_power_is_that_of_librosa(n: int) -> None:
    noise = np.random.default_rng(n).normal(0, 0.1, n).astype(np.float32)
    expected = librosa.feature.melspectrogram(
        y=noise, sr=16_000, n_fft=400, hop_length=160, n_mels=80, pad_mode="constant"
    )[:, :-1]
    np.testing.assert_allclose(features.mel_power(noise), expected, rtol=2e-6, atol=1e-12)


def test_the_bands_are_those_of_librosa_to_the_last_bit() -> None:
    expected = librosa.filters.mel(sr=16_000, n_fft=400, n_mels=80)
    found = np.zeros((80, 201), np.float32)
    for k in range(201):  # the response to power in one bin alone
        power = np.zeros((201, 1), np.float32)
        power[k] = 1
        found[:, k] = features.filtered(power)[:, 0]
    np.testing.assert_array_equal(found, expected)
