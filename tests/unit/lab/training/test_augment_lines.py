"""Lines are drawn anew for every clip, keep its length and speech, and sounds that are no speech are made."""

import numpy as np
import pytest

from affectstream.lab.datasets.sounds import SOUNDS
from affectstream.lab.training.augment import lines


def _voice() -> np.ndarray:
    t = np.arange(24_000) / 16_000
    tone = sum(np.sin(2 * np.pi * 140 * k * t) / k for k in range(1, 20))
    return (0.1 * tone * (1.2 + np.sin(2 * np.pi * 3 * t))).astype(np.float32)


def test_the_same_draws_give_the_same_sound_and_others_another() -> None:
    one, again, other = (lines.drawn(_voice(), np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one[0], again[0])
    assert not np.array_equal(one[0], other[0])


def test_every_draw_is_sound_of_nearly_the_same_length() -> None:
    rates = set()
    for seed in range(40):
        x, rate_hz = lines.drawn(_voice(), np.random.default_rng(seed))
        rates.add(rate_hz)
        assert np.isfinite(x).all()
        assert 0.01 < np.abs(x).max() < 1.5
        assert len(x) / rate_hz == pytest.approx(1.5, rel=0.1)
    assert rates == {8_000, 16_000}


@pytest.mark.parametrize("codec", [*lines.FILES, "none"])
def test_a_codec_keeps_the_length_and_what_is_spoken(codec: str) -> None:
    x = _voice()[::2]
    heard = lines.coded(x, 8_000, codec, np.random.default_rng(0))
    assert heard.shape == x.shape
    spectra = [np.abs(np.fft.rfft(sound[2000:10_000]))[:1500] for sound in (x, heard)]
    assert np.corrcoef(*spectra)[0, 1] > 0.8


@pytest.mark.parametrize("kind", list(SOUNDS))
def test_a_sound_lasts_two_seconds_and_follows_its_draws(kind: str) -> None:
    one, again = (SOUNDS[kind](np.random.default_rng(0)) for _ in range(2))
    assert one.shape == (32_000,)
    assert np.abs(one).max() == pytest.approx(0.5, abs=1e-3)
    np.testing.assert_array_equal(one, again)
