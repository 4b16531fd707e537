"""Recordings of several channels and tracks: one voice is read, two are not mixed, and nothing is unheard."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from structlog.testing import capture_logs
from support.recordings import (
    RATE_HZ,
    call,
    joined,
    two_tracks,
    voice,
    wav,
    wav_of_64_bits,
    wav_of_floats,
    with_gap,
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


def test_samples_of_64_bits_are_heard(tmp_path):
    file = probe(wav_of_64_bits(tmp_path / "a.wav", ONE))
    assert np.abs(samples(file, Lane()) - ONE).max() < 1e-6


@pytest.mark.parametrize("stated", [0, 2 * RATE_HZ, 2 * RATE_HZ * 4, 2**32 - 1])
def test_sound_after_the_stated_end_is_heard_too(tmp_path, stated):
    path = wav(tmp_path / "a.wav", ONE)
    whole = bytearray(path.read_bytes())
    whole[40:44] = stated.to_bytes(4, "little")
    path.write_bytes(whole)
    with capture_logs() as logs:
        heard = samples(probe(path), Lane())
    assert len(heard) == len(ONE)
    told = "its header states 1.0 s of sound, it holds 4.0 s; all is read"
    assert [log["notice"] for log in logs] == ([told] if stated == 2 * RATE_HZ else [])


@pytest.mark.parametrize("more", [b"LIST" + b"\x10\x27\0\0" + bytes(10_000), b"TAG" + bytes(125), b"\0"])
def test_what_follows_the_sound_and_is_none_is_not_heard(tmp_path, more):
    path = wav(tmp_path / "a.wav", ONE)
    path.write_bytes(path.read_bytes() + more)
    assert len(samples(probe(path), Lane())) == len(ONE)


def test_samples_that_are_no_numbers_become_silence(tmp_path):
    broken = ONE.copy()
    broken[100:200] = np.nan
    heard = samples(probe(wav_of_floats(tmp_path / "a.wav", broken)), Lane())
    assert np.isfinite(heard).all() and np.abs(heard[300:] - ONE[300:]).max() < 1e-6


def test_windows_media_is_read(tmp_path):
    file = probe(call(tmp_path / "a.wma", 2))
    assert file.channels == 1 and np.abs(samples(file, Lane())).max() > 0.1


@pytest.mark.parametrize(
    "ending",
    [
        *[".ts", ".flv", ".webm", ".ogg", ".mkv", ".wav", ".mp4", ".flac", ".wma", ".aiff", ".caf", ".avi"],
        *[".wv", ".mp3", ".m4a"],
    ],
)
def test_all_parts_of_a_joined_recording_are_heard(tmp_path, ending):
    one = call(tmp_path / f"one{ending}", 2)
    with capture_logs() as logs:
        file = probe(joined(tmp_path / f"all{ending}", one, one, one))
    assert file.duration_ms == pytest.approx(3 * probe(one).duration_ms, abs=300)
    heard = samples(file, Lane())
    rate_hz = len(heard) / (file.duration_ms / 1000)
    loud = [np.abs(heard[int(at * rate_hz) :][: int(rate_hz)]).max() > 0.1 for at in range(6)]
    assert loud == [True] * 6
    assert ["the clock begins anew 2 times" in log["notice"] for log in logs] == [True]


def test_a_chained_recording_whose_channels_change_is_heard_to_the_end(tmp_path):
    one = call(tmp_path / "one.ogg", 2)
    two = call(tmp_path / "two.ogg", 2, channels=2)
    file = probe(joined(tmp_path / "all.ogg", one, two, one))
    assert len(samples(file, Lane())) / 48_000 == pytest.approx(6, abs=0.2)


@pytest.mark.parametrize(
    "ending", [".flac", ".aiff", ".caf", ".m4a", ".mp3", ".wma", ".avi", ".flv", ".mkv", ".webm", ".wv"]
)
def test_a_sound_file_is_not_called_damaged(tmp_path, ending):
    damage = Counter()
    with capture_logs() as logs:
        list(signal(probe(call(tmp_path / f"a{ending}", 2)), None, damage))
    assert not damage and not logs


@pytest.mark.parametrize("ending", [".mkv", ".webm", ".wma", ".mp4"])
def test_a_recording_that_was_cut_off_is_read_and_called_so(tmp_path, ending):
    path = call(tmp_path / f"a{ending}", 4)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 6 // 10])
    with capture_logs() as logs:
        try:
            file = probe(path)
        except InputError as error:
            assert "cut off before its index" in str(error)
            return
        list(signal(file, None, Counter()))
    assert file.duration_ms < 3500
    assert any("cut off" in log["notice"] for log in logs)


@pytest.mark.parametrize("ending", [".ts", ".webm", ".mp4"])
def test_all_pictures_of_a_joined_recording_are_seen(tmp_path, ending):
    from affectstream.producers.frames import frames
    from affectstream.producers.media import End

    one = call(tmp_path / f"one{ending}", 2)
    file = probe(joined(tmp_path / f"all{ending}", one, one, one))
    found = [frame for frame in frames(file, Counter()) if not isinstance(frame, End)]
    assert [b.at_ms - a.at_ms for a, b in pairwise(found)] == [200] * (len(found) - 1)
    assert len(found) == pytest.approx(30, abs=1)
    assert len({frame.jpeg for frame in found}) >= 10


def test_both_sides_of_a_leap_are_read(tmp_path):
    times = [100 * n for n in range(20)] + [7_200_000 + 100 * n for n in range(20)]
    with capture_logs() as logs:
        file = probe(call(tmp_path / "a.mkv", 4, sound=False, at_ms=times))
    assert file.duration_ms == pytest.approx(4000, abs=150)
    assert "the clock leaps once, first after 2.0 s by 7,198 s" in logs[0]["notice"]


def test_in_a_gap_there_is_silence_and_no_picture(tmp_path):
    from affectstream.producers.frames import frames

    with capture_logs() as logs:
        file = probe(with_gap(tmp_path / "a.mkv", 60_000))
    assert "nothing was recorded once, first after 2.0 s for 60 s; the gaps are kept" in logs[0]["notice"]
    seen = [frame.at_ms for frame in frames(file, Counter())][:-1]
    assert seen == [*range(0, 2000, 200), *range(62_000, 64_000, 200)]
    heard = np.abs(samples(file, Lane()))
    assert heard[: 2 * RATE_HZ].max() > 0.1 and heard[62 * RATE_HZ :].max() > 0.1
    assert heard[2 * RATE_HZ : 62 * RATE_HZ].max() == 0


def test_a_variable_rate_of_pictures_is_no_damage(tmp_path):
    from affectstream.producers.frames import frames

    times = [0, 100, 200, 1500, 1600, 4000, 4100, 9000]
    for ending in (".mp4", ".mkv", ".webm"):
        damage = Counter()
        list(frames(probe(call(tmp_path / f"a{ending}", 0.8, sound=False, at_ms=times)), damage))
        assert not damage
