"""Recordings of several channels and tracks: one voice is read, two are not mixed."""

from collections import Counter

import numpy as np
import pytest
from structlog.testing import capture_logs
from support.recordings import (
    RATE_HZ,
    two_tracks,
    voice,
    wav,
)

from affectstream.producers.audio import signal
from affectstream.producers.lanes import Lane, named, only
from affectstream.producers.media import probe
from affectstream.schemas.errors import InputError

ONE, OTHER = voice(4), voice(4, pitch_hz=220)
TURNS = (np.arange(len(ONE)) / RATE_HZ) % 2 < 1
HISS = np.random.default_rng(1).normal(0, 0.002, (2, len(ONE))).astype(np.float32)


def samples(file, lane):
    return np.concatenate([block for _, block in signal(file, lane.channel, Counter(), lane.track)])


ONE_VOICE = {
    "the same": (ONE, ONE),
    "one quieter": (ONE, 0.5 * ONE),
    "with the noise of each line": (ONE + HISS[0], ONE + HISS[1]),
    "one a little later, as two microphones": (ONE, np.roll(ONE, 20)),
    "nothing at all": (0 * ONE, 0 * ONE),
}


@pytest.mark.parametrize("channels", ONE_VOICE.values(), ids=ONE_VOICE)
def test_one_voice_on_both_channels_is_read_as_one(tmp_path, channels):
    assert only(probe(wav(tmp_path / "a.wav", *channels))) == Lane(0, None)


TWO_VOICES = {
    "at once": (ONE, OTHER),
    "of nearly one pitch": (ONE, voice(4, pitch_hz=143)),
    "in turn": (ONE * TURNS, OTHER * ~TURNS),
    "in turn, with crosstalk": (ONE * TURNS + 0.15 * OTHER * ~TURNS, OTHER * ~TURNS + 0.15 * ONE * TURNS),
    "in turn, with noise": (ONE * TURNS + HISS[0], OTHER * ~TURNS + HISS[1]),
}


@pytest.mark.parametrize("channels", TWO_VOICES.values(), ids=TWO_VOICES)
def test_two_voices_are_not_mixed_but_asked_about(tmp_path, channels):
    with pytest.raises(InputError, match=r"a\.wav: its 2 channels carry different sounds.*--channels"):
        only(probe(wav(tmp_path / "a.wav", *channels)))


def test_a_second_person_who_is_put_through_late_is_asked_about(tmp_path):
    first = np.tile(ONE, 50)  # of 200 s
    second = np.zeros_like(first)
    second[-7 * RATE_HZ :] = np.tile(OTHER, 2)[: 7 * RATE_HZ]  # under a twentieth of the whole
    with pytest.raises(InputError, match="carry different sounds"):
        only(probe(wav(tmp_path / "a.wav", first, second)))


def test_lanes_that_never_sound_together_are_asked_about(tmp_path):
    first, second = (np.concatenate(parts) for parts in ((np.tile(ONE, 30), 0 * ONE), (0 * ONE, ONE)))
    second = np.pad(second, (len(first) - len(second), 0))
    with pytest.raises(InputError, match="carry different sounds"):
        only(probe(wav(tmp_path / "a.wav", first, second)))


def test_tracks_that_begin_apart_are_compared_by_their_times(tmp_path):
    late = np.concatenate([np.zeros(RATE_HZ, np.float32), ONE])
    path = two_tracks(tmp_path / "a.mkv", late, late)
    assert only(probe(path)) == Lane(0)


def test_an_inverted_channel_does_not_silence_the_voice(tmp_path):
    file = probe(wav(tmp_path / "a.wav", ONE, -ONE))
    with capture_logs() as logs:
        lane = only(file)
    assert np.abs(samples(file, lane)).max() > 0.2
    assert "one channel carries the other one inverted" in logs[0]["notice"]


def test_a_channel_that_is_silent_does_not_halve_the_other(tmp_path):
    file = probe(wav(tmp_path / "a.wav", 0 * ONE, ONE))
    with capture_logs() as logs:
        assert only(file) == Lane(0, 1)
    assert "only number 1 (from 0) has sound" in logs[0]["notice"]


def test_the_track_with_sound_is_read_and_the_user_is_told_of_both(tmp_path):
    file = probe(two_tracks(tmp_path / "a.mkv", 0 * ONE, ONE))
    with capture_logs() as logs:
        lane = only(file)
    assert (lane, np.abs(samples(file, lane)).max() > 0.2) == (Lane(1), True)
    assert "2 sound tracks" in logs[0]["notice"]


def test_tracks_of_different_people_are_asked_about_and_can_be_named(tmp_path):
    file = probe(two_tracks(tmp_path / "a.mkv", ONE, OTHER))
    with pytest.raises(InputError, match="its 2 sound tracks carry different sounds"):
        only(file)
    assert [named(file, n) for n in (0, 1)] == [Lane(0), Lane(1)]
    assert np.abs(samples(file, named(file, 1))[: len(OTHER)] - OTHER).max() < 1e-3
    with pytest.raises(InputError, match="no sound track 2; it has 2, from 0"):
        named(file, 2)


def test_three_channels_with_a_voice_each_are_asked_about(tmp_path):
    with pytest.raises(InputError, match=r"its 3 channels .*customer,-,-"):
        only(probe(wav(tmp_path / "a.wav", ONE, OTHER, voice(4, pitch_hz=180))))
