"""Degraded inputs are worse by the amount asked for, and are the same whenever they are made."""

from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from affectstream.lab.datasets.ravdess import Clip
from affectstream.lab.evaluation import degrade
from affectstream.lab.evaluation.tasks import voice_sets

RATE_HZ = 16_000


def _tone(seconds: float = 2.0) -> np.ndarray:
    t = np.arange(int(RATE_HZ * seconds)) / RATE_HZ
    return (0.4 * np.sin(2 * np.pi * 440 * t)).astype(np.float32)


def _edits(said: list[str], heard: list[str]) -> int:
    """Return the least number of words put in, left out or exchanged."""
    row = list(range(len(heard) + 1))
    for i, word in enumerate(said, 1):
        before, row[0] = row[0], i
        for j, other in enumerate(heard, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (word != other))
    return row[-1]


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 1.0])
def test_whole_packets_are_lost_in_the_share_asked_for(share: float) -> None:
    sound = np.ones(RATE_HZ * 40, np.float32)
    heard = degrade.packet_loss(sound, RATE_HZ, share, np.random.default_rng(0))
    packets = heard.reshape(-1, RATE_HZ // 50)
    assert set(packets.sum(axis=1)) <= {0.0, RATE_HZ / 50}
    assert (packets[:, 0] == 0).mean() == pytest.approx(share, abs=0.03)
    assert heard.dtype == np.float32


def test_a_last_packet_that_is_not_full_is_kept_in_length() -> None:
    sound = np.ones(333, np.float32)
    assert len(degrade.packet_loss(sound, RATE_HZ, 0.5, np.random.default_rng(1))) == 333


def test_clipping_cuts_the_share_asked_for_at_full_scale() -> None:
    sound = np.random.default_rng(0).normal(0, 0.1, 20_000).astype(np.float32)
    heard = degrade.clipped(sound, 0.1)
    assert (np.abs(heard) >= 1).mean() == pytest.approx(0.1, abs=0.001)
    assert np.array_equal(degrade.clipped(sound, 0.0), sound)
    assert not len(degrade.clipped(sound[:0], 0.1))


@pytest.mark.parametrize("rt60_s", [0.3, 0.6, 1.0])
def test_an_echo_has_fallen_by_sixty_decibels_after_its_time(rt60_s: float) -> None:
    click = np.zeros(2 * RATE_HZ, np.float32)
    click[0] = 1.0
    heard = degrade.reverberated(click, RATE_HZ, rt60_s, np.random.default_rng(0)).astype(np.float64)
    assert np.sum(heard**2) == pytest.approx(1.0)

    def level(at_s: float) -> float:
        part = heard[round(at_s * RATE_HZ) :][: RATE_HZ // 50]
        return float(10 * np.log10(np.mean(part**2)))

    fallen = (level(0.01) - level(rt60_s - 0.03)) / (rt60_s - 0.04)  # dB a second
    assert fallen == pytest.approx(60 / rt60_s, rel=0.05)
    assert not heard[round(rt60_s * RATE_HZ) + 1 :].max() > 1e-6


def test_babble_is_as_far_below_the_voice_as_was_asked_for() -> None:
    rng = np.random.default_rng(0)
    others = [rng.normal(0, loud, n).astype(np.float32) for loud, n in ((0.01, 9_000), (0.5, 50_000))]
    added = degrade.with_babble(_tone(), others, 10.0).astype(np.float64) - _tone()
    assert 10 * np.log10(np.mean(_tone() ** 2.0) / np.mean(added**2)) == pytest.approx(10.0, abs=0.01)
    quiet, loud = (np.corrcoef(added, np.resize(o, len(added)))[0, 1] for o in others)
    assert quiet == pytest.approx(loud, abs=0.05)  # each speaker is as loud as the other
    assert np.array_equal(degrade.with_babble(_tone(), [], 10.0), _tone())


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.2, 0.4])
def test_words_are_misheard_at_the_rate_asked_for(rate: float) -> None:
    rng = np.random.default_rng(0)
    vocabulary = [f"other{i}" for i in range(200)]
    texts = [[f"w{i}-{j}" for j in range(12)] for i in range(150)]
    errors = [_edits(t, degrade.word_errors(" ".join(t), rate, vocabulary, rng).split()) for t in texts]
    assert sum(errors) / (12 * len(texts)) == pytest.approx(rate, abs=0.03)


@given(st.lists(st.text(alphabet="abc", min_size=1), min_size=1), st.floats(0, 1), st.integers(0, 99))
def test_something_is_always_heard(words: list[str], rate: float, seed: int) -> None:
    text = " ".join(words)
    assert degrade.word_errors(text, rate, ["x"], np.random.default_rng(seed)).split()
    cut = degrade.truncated(text, rate).split()
    assert cut
    assert cut == words[: len(cut)]


def test_truncation_keeps_the_first_share_of_the_words() -> None:
    assert degrade.truncated("one two three four", 0.5) == "one two"
    assert degrade.truncated("one two three four", 0.0) == "one"
    assert degrade.truncated("", 0.5) == ""


def test_every_condition_of_speech_gives_the_same_sound_twice() -> None:
    for _, _, made, severities in degrade.SPEECH:
        for severity in severities:
            first, rate_hz = made(severity)(_tone(), RATE_HZ)
            again, _ = made(severity)(_tone(), RATE_HZ)
            assert np.array_equal(first, again)
            assert len(first) == pytest.approx(2 * rate_hz, abs=2)
            assert np.isfinite(first).all()


def test_the_telephone_cuts_to_eight_kilohertz() -> None:
    heard, rate_hz = degrade.by_telephone(_tone(), RATE_HZ)
    assert rate_hz == 8000
    assert np.abs(heard).max() == pytest.approx(0.5, abs=0.05)


def test_the_babble_is_spoken_by_other_actors(monkeypatch: pytest.MonkeyPatch) -> None:
    clips = cast(list[Clip], [SimpleNamespace(actor=row % 6, path=row) for row in range(30)])
    monkeypatch.setattr(voice_sets, "load", lambda row: (clips[row].actor, RATE_HZ))
    for row, clip in enumerate(clips):
        heard = voice_sets.other_voices(clips, row)
        assert clip.actor not in heard
        assert len(set(heard)) == degrade.VOICES


def _pitch(hz: float, rate_hz: int = 16_000) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * hz * np.arange(rate_hz) / rate_hz)).astype(np.float32)


def test_a_tone_within_the_band_comes_through() -> None:
    tone = _pitch(1000)
    heard = degrade.through_telephone(tone, 16_000)
    assert heard.shape == tone.shape
    spectrum = np.abs(np.fft.rfft(heard[1000:-1000] * np.hanning(14_000)))
    assert spectrum.argmax() == 1000 * 14_000 / 16_000
    assert np.abs(heard[1000:-1000]).max() == pytest.approx(0.5, rel=0.05)


def test_a_tone_below_the_band_is_lost_as_on_a_real_line() -> None:
    heard = degrade.through_telephone(_pitch(90), 16_000)
    assert 20 * np.log10(np.abs(heard[2000:-1000]).max() / 0.5) < -36


def test_a_tone_above_the_band_is_lost() -> None:
    heard = degrade.through_telephone(_pitch(6000), 16_000)
    assert np.abs(heard[1000:-1000]).max() < 0.01


def test_mu_law_has_256_levels_finer_near_zero() -> None:
    levels = np.unique(degrade.mu_law(np.linspace(-1, 1, 100_001).astype(np.float32)))
    assert len(levels) <= 256
    steps = np.diff(levels)
    assert steps[len(steps) // 2] < steps[0] / 20


def test_noise_has_the_asked_for_ratio() -> None:
    tone = _pitch(500)
    noisy = degrade.with_noise(tone, 10.0, np.random.default_rng(0))
    ratio_db = 10 * np.log10(np.mean(tone**2) / np.mean((noisy - tone) ** 2))
    assert abs(ratio_db - 10.0) < 0.3
