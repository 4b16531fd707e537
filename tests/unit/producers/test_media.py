"""Containers: exact times on one shared zero, and every kind of broken file."""

from collections import Counter
from fractions import Fraction

import numpy as np
import pytest

from affectstream.producers.audio import chunks, signal
from affectstream.producers.frames import frames
from affectstream.producers.media import End, decode, probe
from affectstream.schemas.errors import InputError

FPS_30 = [Fraction(k, 30) for k in range(60)]


def pictures(path, **options):
    return [s for s in frames(probe(path), Counter(), **options) if not isinstance(s, End)]


def samples_of(path, channel=None):
    file, damage = probe(path), Counter()
    found = list(signal(file, channel, damage))
    return found[0][0], np.concatenate([block for _, block in found])


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv", "a.webm"])
def test_each_tick_has_the_picture_that_is_shown_then(media, tools, name):
    found = pictures(media(name, frames_s=FPS_30), fps=5)
    assert [s.at_ms for s in found] == list(range(0, 2000, 200))
    assert [tools.read_number(s.jpeg) for s in found] == list(range(0, 60, 6))


def test_ticks_do_not_drift_at_a_rate_that_does_not_divide_a_second(media, tools):
    found = pictures(media("a.mp4", frames_s=FPS_30), fps=7)
    assert [s.at_ms for s in found] == [round(k * 1000 / 7) for k in range(14)]
    assert [tools.read_number(s.jpeg) for s in found] == [
        max(n for n in range(60) if round(n * 1000 / 30) <= s.at_ms) for s in found
    ]


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_the_sources_own_rate_gives_every_picture_once(media, tools, name):
    found = pictures(media(name, frames_s=FPS_30), fps=30)
    assert [tools.read_number(s.jpeg) for s in found] == list(range(60))


def test_a_variable_frame_rate_repeats_what_is_still_shown(media, tools):
    # |0.......|1.|2|3..............|4
    # 0       700 950              2100   ms
    times = [Fraction(ms, 1000) for ms in (0, 700, 950, 1010, 2100)]
    found = pictures(media("a.mp4", frames_s=times), fps=5)
    numbers = {s.at_ms: tools.read_number(s.jpeg) for s in found if s.at_ms <= 2000}
    assert numbers == dict.fromkeys((0, 200, 400, 600), 0) | {800: 1, 1000: 2} | dict.fromkeys(
        (1200, 1400, 1600, 1800, 2000), 3
    )


@pytest.mark.parametrize(("name", "loss_ms"), [("a.mkv", 1), ("a.mov", 0), ("a.mp4", 1)])
def test_sound_and_picture_share_one_zero_when_one_starts_later(media, tools, name, loss_ms):
    sound = tools.click(48_000, 1000, 500)
    path = media(name, frames_s=FPS_30, pieces=[(0.4, sound)], rate_hz=48_000)
    rate_hz, samples = samples_of(path)
    assert abs(np.abs(samples).argmax() * 1000 / rate_hz - 900) <= loss_ms
    assert pictures(path)[0].at_ms == 0


def test_a_container_that_starts_late_starts_at_zero(media, tools):
    times = [Fraction(5) + time for time in FPS_30]
    path = media("a.mkv", frames_s=times, pieces=[(5.5, tools.click(16_000, 1000, 250))])
    rate_hz, samples = samples_of(path)
    assert np.abs(samples).argmax() / rate_hz == 0.75
    assert tools.read_number(pictures(path)[1].jpeg) == 6


@pytest.mark.parametrize("name", ["a.wav", "a.flac"])
@pytest.mark.parametrize("rate_hz", [8_000, 11_025, 16_000, 44_100, 48_000])
def test_a_click_stays_at_its_sample_at_any_rate(media, tools, name, rate_hz):
    path = media(name, sound=tools.click(rate_hz, 3217, 1000, 3001), rate_hz=rate_hz)
    found, samples = samples_of(path)
    assert found == rate_hz
    assert list(np.flatnonzero(samples > 0.5)) == [rate_hz, round(3.001 * rate_hz)]
    assert len(samples) == round(3.217 * rate_hz)


@pytest.mark.parametrize(("native_hz", "rate_hz"), [(96_000, 48_000), (88_200, 48_000), (6_000, 8_000)])
def test_rates_outside_the_range_are_resampled_without_a_shift(media, tools, native_hz, rate_hz):
    path = media("a.wav", sound=tools.click(native_hz, 2500, 1500), rate_hz=native_hz)
    found, samples = samples_of(path)
    assert found == rate_hz
    assert np.abs(samples).argmax() == 1.5 * rate_hz
    assert len(samples) == 2.5 * rate_hz


@pytest.mark.parametrize(("name", "loss_ms"), [("a.mp3", 1), ("a.ogg", 1), ("a.mp4", 1), ("a.webm", 1)])
def test_the_delay_of_a_codec_is_not_heard(media, tools, name, loss_ms):
    path = media(name, sound=tools.click(48_000, 3000, 1500), rate_hz=48_000)
    rate_hz, samples = samples_of(path)
    assert abs(np.abs(samples).argmax() * 1000 / rate_hz - 1500) <= loss_ms


def test_a_gap_between_the_timestamps_becomes_silence(media, tools):
    pieces = [(0.0, tools.click(16_000, 960, 100)), (2.5, tools.click(16_000, 960, 100))]
    rate_hz, samples = samples_of(media("a.mkv", pieces=pieces))
    assert list(np.flatnonzero(samples > 0.5) * 1000 / rate_hz) == [100, 2600]
    assert len(samples) == 3.46 * rate_hz


def test_each_channel_is_a_voice_of_its_own_and_the_mean_is_both(media, tools):
    left, right = tools.click(8_000, 1000, 200), tools.click(8_000, 1000, 700)
    path = media("a.wav", sound=np.concatenate([left, right]), rate_hz=8_000)
    assert [int(np.flatnonzero(samples_of(path, c)[1])[0]) for c in (0, 1)] == [1600, 5600]
    assert list(np.flatnonzero(samples_of(path)[1])) == [1600, 5600]
    assert samples_of(path)[1].max() == pytest.approx(15_000 / 32_768)


def test_silence_and_single_tracks_are_fine(media):
    silent = probe(media("a.mp4", frames_s=FPS_30, sound=np.zeros((1, 32_000), np.int16)))
    assert silent.video is not None and silent.audio is not None
    assert probe(media("b.mp4", frames_s=FPS_30)).audio is None
    assert probe(media("c.mp4", sound=np.zeros((1, 32_000), np.int16))).video is None


def test_the_cover_of_a_song_is_no_video(media, tmp_path):
    import av

    source = media("a.flac", sound=np.zeros((1, 16_000), np.int16))
    target = tmp_path / "covered.mp3"
    with av.open(str(source)) as given, av.open(str(target), "w") as out:
        sound = out.add_stream("libmp3lame", rate=16_000)
        cover = out.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 64, 48, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        picture = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")
        out.mux(cover.encode(picture))
        out.mux(cover.encode(None))
        for frame in given.decode(audio=0):
            out.mux(sound.encode(frame))
        out.mux(sound.encode(None))
    assert probe(target).video is None
    assert probe(target).audio is not None


def test_a_turned_picture_is_turned_upright(media, tools, tmp_path):
    data = bytearray(media("a.mp4", frames_s=FPS_30[:10]).read_bytes())
    matrix = data.index(b"tkhd") + 4 + 4 + 20 + 16  # version and flags, ids and times, layer and volume
    quarter = [0, 1 << 16, 0, -(1 << 16), 0, 0, 48 << 16, 0, 1 << 30]  # clockwise, as a phone writes it
    data[matrix : matrix + 36] = b"".join(value.to_bytes(4, "big", signed=True) for value in quarter)
    turned = tmp_path / "turned.mp4"
    turned.write_bytes(data)
    import cv2

    jpeg = pictures(turned, fps=30)[1].jpeg
    upright = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert upright.shape == (64, 48)
    assert upright[:6].mean() > 200 and upright[12:].mean() < 50  # bit 0 lies on top now


def test_a_large_picture_is_reduced_and_keeps_its_shape(media):
    import cv2

    path = media("a.mp4", frames_s=FPS_30[:3], size=(320, 160))
    jpeg = pictures(path, max_side=100)[0].jpeg
    assert cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR).shape == (50, 100, 3)


def test_a_picture_of_noise_never_exceeds_its_limit():
    from affectstream.producers.frames import LARGEST, to_jpeg

    noise = np.random.default_rng(0).integers(0, 256, (1500, 2000, 3), np.uint8)
    assert 0 < len(to_jpeg(noise, 95)) <= LARGEST
    assert 0 < len(to_jpeg(noise, 95, largest=20_000)) <= 20_000


def test_a_truncated_file_is_used_as_far_as_it_goes_and_counted(media, tools, tmp_path):
    whole = media("a.mkv", frames_s=FPS_30, sound=tools.click(16_000, 2000, 100)).read_bytes()
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(whole[: len(whole) * 6 // 10])
    file, damage = probe(cut), Counter()
    at = [item.at_ms for item in frames(file, damage)]
    found = [item for item in chunks(file, None, damage) if not isinstance(item, End)]
    assert at[:3] == [0, 200, 400]
    assert found or file.audio is None
    wav = tmp_path / "cut.flac"
    whole = media("b.flac", sound=np.tile(np.arange(-500, 500, dtype=np.int16), (1, 64))).read_bytes()
    wav.write_bytes(whole[: len(whole) // 2])
    damage = Counter()
    assert list(decode(probe(wav), "audio", damage))
    assert damage[wav] > 0


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.mp4", b"", "empty"),
        ("a.mp4", b"\0" * 5000, "not a media file"),
        ("a.wav", b"RIFF\x24\0\0\0WAVE", "not a media file|no picture and no sound"),
        ("a.txt", b"hello, this is a text\n" * 50, "not a media file"),
        ("a.m3u8", b"#EXTM3U\n#EXTINF:1,\n/etc/passwd\n", "not a media file"),
        ("a.mp4", b"ffconcat version 1.0\nfile '/etc/passwd'\n", "not a media file"),
    ],
)
def test_a_file_without_media_is_refused_by_name(tmp_path, name, content, says):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError, match=f"(?s){name}.*({says})"):
        probe(path)


def test_a_movie_cut_before_its_index_is_refused(media, tmp_path):
    whole = media("a.mp4", frames_s=FPS_30).read_bytes()
    path = tmp_path / "cut.mp4"
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"cut\.mp4.*cut off before its index"):
        probe(path)


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    for path in (tmp_path / "none.mp4", tmp_path):
        with pytest.raises(InputError, match=r"no such file|not a file"):
            probe(path)
