"""One voice or two on a track without a transcript: what is refused, what is believed, what is too little.

voices      high low high low ...        refused, unless somebody says whose the track is
voice       high pause high pause ...    the track of one party
"""

import os
from pathlib import Path

import numpy as np
import pytest
from support.recordings import wav

from affectstream.producers.session import estimated_ms
from affectstream.producers.voices import RATE_HZ, judged
from affectstream.runtime.settings import ProducerSettings
from affectstream.schemas.errors import InputError
from affectstream.session_file import SessionArguments, plan

CALLS = Path(os.environ.get("AFFECT_DATA", "")) / "calls"
HIGH, LOW = (220.0, (700, 1700, 2700)), (95.0, (450, 1000, 2100))  # Hz of the pitch and of the formants


def spoken(seconds, voice, seed=0):
    """Syllables of a voice: a pulse train of its pitch through its formants, of varying loudness."""
    pitch_hz, formants = voice
    rng, t = np.random.default_rng(seed), np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    phase = 2 * np.pi * np.cumsum(pitch_hz * (1 + 0.05 * np.sin(2 * np.pi * 1.3 * t + seed))) / RATE_HZ
    harmonics = [h for h in range(1, 40) if h * pitch_hz < 3600]
    gain = [sum(np.exp(-(((h * pitch_hz - f) / 150) ** 2)) for f in formants) + 0.05 for h in harmonics]
    sound = sum(g * np.sin(h * phase) for h, g in zip(harmonics, gain, strict=True))
    loud = np.abs(np.sin(2 * np.pi * 2 * t)) + 0.2
    return (0.1 * sound * loud + 1e-3 * rng.standard_normal(len(t))).astype(np.float32)


def turns(*voices, pause_s=0.0, rounds=8):
    silence = np.zeros(int(pause_s * RATE_HZ), np.float32)
    parts = [(spoken(1.5, voice, n), silence) for n in range(rounds) for voice in voices]
    return np.concatenate([part for pair in parts for part in pair])


TRACKS = {
    "two voices in turns": (turns(HIGH, LOW), True),
    "one voice": (turns(HIGH, HIGH), False),
    "two voices, one after a long pause": (turns(HIGH, LOW, pause_s=2.0), False),  # a party that was replaced
    "too short to tell": (turns(HIGH, LOW, rounds=2), False),
    "silence": (np.zeros(20 * RATE_HZ, np.float32), False),
    "nothing": (np.zeros(0, np.float32), False),
}


@pytest.mark.parametrize("name", TRACKS)
def test_two_voices_in_turns_are_a_mixture(name):
    samples, mixed = TRACKS[name]
    assert judged(samples).mixed is mixed, judged(samples)


def test_a_track_that_nobody_has_stated_is_refused_where_it_mixes_two_voices(tmp_path):
    path = wav(tmp_path / "call.wav", turns(HIGH, LOW), rate_hz=RATE_HZ)

    def read(**arguments):
        return estimated_ms(plan(SessionArguments([path], **arguments), ProducerSettings(), 0, None))

    with pytest.raises(InputError, match=r"two voices seem to speak on its one track.*--channels customer"):
        read()
    assert read(channels="customer") == read(channels="both", purpose="synthetic") == 24_000
    assert read(one_voice=True) == 24_000  # as the clips of a corpus are


@pytest.mark.skipif(not CALLS.is_dir(), reason="needs AFFECT_DATA: the calls")
@pytest.mark.parametrize(
    ("name", "mixed"),
    [("auto_repairs_40_agent", False), ("auto_repairs_40_caller", False), ("auto0_mono_mixed", True)],
)
def test_real_calls_are_told_apart(name, mixed, tmp_path):
    given = plan(SessionArguments([CALLS / f"{name}.flac"]), ProducerSettings(), 0, None)
    if mixed:
        with pytest.raises(InputError, match="two voices"):
            estimated_ms(given)
    else:
        assert estimated_ms(given) > 200_000
