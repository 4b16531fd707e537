"""The speech detector: speech against silence and noise, at any rate, by the sound alone."""

import numpy as np
import pytest
import soundfile
import soxr
from support.paths import ROOT

from affectstream.models.asr.speech import FRAME_MS, SpeechDetector

RATE_HZ = 16_000


@pytest.fixture(scope="module")
def detector():
    return SpeechDetector()


@pytest.fixture(scope="module")
def voice():
    """The first words of the demo call's agent, two seconds at 16 kHz."""
    samples, rate_hz = soundfile.read(ROOT / "affectstream" / "demo_call" / "agent.flac", dtype="float32")
    loud = int(np.argmax(np.abs(samples) > 0.2))
    return np.asarray(soxr.resample(samples[loud : loud + 2 * rate_hz], rate_hz, RATE_HZ), np.float32)


@pytest.mark.parametrize("rate_hz", [8_000, RATE_HZ, 48_000])
def test_speech_is_likely_where_somebody_speaks_and_not_in_silence_or_noise(detector, voice, rate_hz):
    noise = np.random.default_rng(0).normal(0, 0.05, 2 * rate_hz).astype(np.float32)
    heard = np.asarray(soxr.resample(voice, RATE_HZ, rate_hz), np.float32)
    assert np.mean(detector.probabilities(heard, rate_hz) > 0.5) > 0.6
    assert detector.probabilities(np.zeros(2 * rate_hz, np.float32), rate_hz).max() < 0.5
    assert np.mean(detector.probabilities(noise, rate_hz) > 0.5) < 0.1


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 44_100])
def test_every_whole_frame_has_a_probability(detector, rate_hz):
    found = detector.probabilities(np.zeros(rate_hz, np.float32), rate_hz)
    assert len(found) == 1000 // FRAME_MS


def test_less_than_a_frame_has_none(detector):
    assert len(detector.probabilities(np.zeros(10, np.float32), RATE_HZ)) == 0


def test_what_is_found_depends_on_the_sound_alone(detector, voice):
    before = detector.probabilities(voice, RATE_HZ)
    detector.probabilities(np.random.default_rng(1).normal(0, 1, RATE_HZ).astype(np.float32), RATE_HZ)
    assert np.array_equal(before, detector.probabilities(voice, RATE_HZ))
