"""Silence, hum and line noise abstain; the quality falls with level, clipping and noise."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from support.paths import DATA

from affectstream.lab.datasets import ravdess
from affectstream.models.voice.quality import clipped_share, is_silent, quality, snr_db

RATE_HZ = 16_000
CALLS, RECORDINGS = DATA / "calls", DATA / "ravdess"


def _babble(rate_hz: int = RATE_HZ, level: float = 0.2) -> np.ndarray:
    """Return two seconds of four vowel-like bursts of 0.3 s with pauses."""
    t = np.arange(2 * rate_hz) / rate_hz
    voiced = sum(np.sin(2 * np.pi * 140 * k * t) / k for k in range(1, 12))
    bursts = (t % 0.5 < 0.3) * np.sin(np.pi * (t % 0.5) / 0.3).clip(0) ** 0.5
    return (level * voiced * bursts / np.abs(voiced).max()).astype(np.float32)


def _noise(level: float, seconds: float = 2.0) -> np.ndarray:
    return np.random.default_rng(0).normal(0, level, int(RATE_HZ * seconds)).astype(np.float32)


@pytest.mark.parametrize(
    ("name", "samples"),
    [
        ("nothing", np.zeros(0, np.float32)),
        ("zeros", np.zeros(2 * RATE_HZ, np.float32)),
        ("line noise at -65 dBFS", _noise(10 ** (-65 / 20))),
        ("loud noise at -25 dBFS", _noise(10 ** (-25 / 20))),
        ("mains hum", (0.05 * np.sin(2 * np.pi * 50 * np.arange(32_000) / RATE_HZ)).astype(np.float32)),
        ("a dial tone", (0.3 * np.sin(2 * np.pi * 425 * np.arange(32_000) / RATE_HZ)).astype(np.float32)),
        ("a click", np.eye(1, 32_000, 16_000, dtype=np.float32)[0] * 0.9),
        ("speech at -75 dBFS", _babble(level=10 ** (-75 / 20))),
    ],
)
def test_what_is_not_speech_is_silent(name: str, samples: np.ndarray) -> None:
    assert is_silent(samples, RATE_HZ), name
    assert quality(samples, RATE_HZ) == 0.0


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 44_100, 48_000])
def test_speech_is_heard_at_every_rate(rate_hz: int) -> None:
    assert not is_silent(_babble(rate_hz), rate_hz)
    assert quality(_babble(rate_hz), rate_hz) > 0.9


def test_speech_in_noise_is_heard() -> None:
    assert not is_silent(_babble() + _noise(10 ** (-45 / 20)), RATE_HZ)


@settings(max_examples=25, deadline=None)
@given(st.floats(-50, 0), st.floats(0, 10))
def test_quality_never_rises_when_the_level_falls(level_db: float, drop_db: float) -> None:
    loud, soft = _babble(level=10 ** (level_db / 20)), _babble(level=10 ** ((level_db - drop_db) / 20))
    assert quality(soft, RATE_HZ) <= quality(loud, RATE_HZ) + 1e-9 + (clipped_share(loud) > 0)


def test_quality_falls_with_noise() -> None:
    scores = [quality(_babble() + _noise(10 ** (db / 20)), RATE_HZ) for db in (-80, -45, -40, -35)]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] > 0.9 > scores[-1]


def test_quality_falls_with_clipping() -> None:
    scores = [quality(np.clip(gain * _babble(), -1, 1), RATE_HZ) for gain in (1, 6, 12, 40)]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] > 0.9
    assert scores[-1] == 0.0


def test_the_ratio_is_in_decibels() -> None:
    half = np.concatenate([_noise(0.1, 1.0), _noise(0.01, 1.0)])
    assert snr_db(half, RATE_HZ) == pytest.approx(20, abs=1.5)


def _windows(path: Path) -> list[bool]:
    samples, rate_hz = soundfile.read(path, dtype="float32")
    starts = range(0, len(samples) - 2 * rate_hz, rate_hz)
    return [is_silent(samples[s : s + 2 * rate_hz], rate_hz) for s in starts]


@pytest.mark.skipif(not CALLS.exists(), reason="the recorded calls are not here (AFFECT_DATA)")
def test_a_party_that_listens_is_silent_while_the_other_speaks() -> None:
    agent, caller = (_windows(CALLS / f"auto_repairs_40_{who}.flac") for who in ("agent", "caller"))
    pairs = list(zip(agent, caller, strict=False))
    assert sum(a != c for a, c in pairs) / len(pairs) > 0.75  # one speaks and one listens
    assert 0.4 < np.mean(agent) < 0.6
    assert 0.3 < np.mean(caller) < 0.5


@pytest.mark.skipif(not RECORDINGS.exists(), reason="the RAVDESS recordings are not here")
def test_the_quietest_actors_are_heard_and_the_pause_before_they_speak_is_not() -> None:
    heard, pauses = [], []
    for path in sorted(RECORDINGS.glob("Actor_*/03-01-04-01-*-01-*.flac"))[::4]:
        samples, rate_hz = ravdess.load(path)
        heard.append(not is_silent(samples[rate_hz // 2 : rate_hz // 2 + 2 * rate_hz], rate_hz))
        pauses.append(is_silent(samples[: rate_hz // 2], rate_hz))
    assert np.mean(heard) >= 0.9  # one of forty peaks at -50 dBFS
    assert all(pauses)
