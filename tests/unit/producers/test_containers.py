"""Containers of wrong lengths, joined ones, cut off ones, and gaps: nothing in them is unheard or unseen."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from structlog.testing import capture_logs
from support.recordings import RATE_HZ, call, joined, voice, wav, wav_of_64_bits, wav_of_floats, with_gap

from affectstream.producers.audio import signal
from affectstream.producers.frames import frames
from affectstream.producers.media import End, probe
from affectstream.schemas.errors import InputError

ONE = voice(4)


def samples(file):
    return np.concatenate([block for _, block in signal(file, None, Counter())])


def test_samples_of_64_bits_are_heard(tmp_path):
    file = probe(wav_of_64_bits(tmp_path / "a.wav", ONE))
    assert np.abs(samples(file) - ONE).max() < 1e-6


@pytest.mark.parametrize("stated", [0, 2 * RATE_HZ, 2 * RATE_HZ * 4, 2**32 - 1])
def test_sound_after_the_stated_end_is_heard_too(tmp_path, stated):
    path = wav(tmp_path / "a.wav", ONE)
    whole = bytearray(path.read_bytes())
    whole[40:44] = stated.to_bytes(4, "little")
    path.write_bytes(whole)
    with capture_logs() as logs:
        heard = samples(probe(path))
    assert len(heard) == len(ONE)
    told = "its header states 1.0 s of sound, it holds 4.0 s; all is read"
    assert [log["notice"] for log in logs] == ([told] if stated == 2 * RATE_HZ else [])


@pytest.mark.parametrize("more", [b"LIST" + b"\x10\x27\0\0" + bytes(10_000), b"TAG" + bytes(125), b"\0"])
def test_what_follows_the_sound_and_is_none_is_not_heard(tmp_path, more):
    path = wav(tmp_path / "a.wav", ONE)
    path.write_bytes(path.read_bytes() + more)
    assert len(samples(probe(path))) == len(ONE)


def test_samples_that_are_no_numbers_become_silence(tmp_path):
    broken = ONE.copy()
    broken[100:200] = np.nan
    heard = samples(probe(wav_of_floats(tmp_path / "a.wav", broken)))
    assert np.isfinite(heard).all() and np.abs(heard[300:] - ONE[300:]).max() < 1e-6


def test_windows_media_is_read(tmp_path):
    file = probe(call(tmp_path / "a.wma", 2))
    assert file.channels == 1 and np.abs(samples(file)).max() > 0.1


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
    heard = samples(file)
    rate_hz = len(heard) / (file.duration_ms / 1000)
    loud = [np.abs(heard[int(at * rate_hz) :][: int(rate_hz)]).max() > 0.1 for at in range(6)]
    assert loud == [True] * 6
    assert ["the clock begins anew 2 times" in log["notice"] for log in logs] == [True]


def test_a_chained_recording_whose_channels_change_is_heard_to_the_end(tmp_path):
    one = call(tmp_path / "one.ogg", 2)
    two = call(tmp_path / "two.ogg", 2, channels=2)
    file = probe(joined(tmp_path / "all.ogg", one, two, one))
    assert len(samples(file)) / 48_000 == pytest.approx(6, abs=0.2)


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
    with capture_logs() as logs:
        file = probe(with_gap(tmp_path / "a.mkv", 60_000))
    assert "nothing was recorded once, first after 2.0 s for 60 s; the gaps are kept" in logs[0]["notice"]
    seen = [frame.at_ms for frame in frames(file, Counter())][:-1]
    assert seen == [*range(0, 2000, 200), *range(62_000, 64_000, 200)]
    heard = np.abs(samples(file))
    assert heard[: 2 * RATE_HZ].max() > 0.1 and heard[62 * RATE_HZ :].max() > 0.1
    assert heard[2 * RATE_HZ : 62 * RATE_HZ].max() == 0


def test_a_variable_rate_of_pictures_is_no_damage(tmp_path):
    times = [0, 100, 200, 1500, 1600, 4000, 4100, 9000]
    for ending in (".mp4", ".mkv", ".webm"):
        damage = Counter()
        list(frames(probe(call(tmp_path / f"a{ending}", 0.8, sound=False, at_ms=times)), damage))
        assert not damage
