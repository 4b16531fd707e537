"""RAVDESS video is read by name, and its sound lies on the clock of its picture."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from affectstream.lab.datasets import moving, ravdess_video
from affectstream.schemas.errors import InputError
from affectstream.schemas.labels import EMOTIONS

FPS, RATE_HZ = 25, 16_000


def _film(path: Path, seconds: float = 1.0, sound_s: float | None = None, late_s: float = 0.0) -> None:
    """Write a film that turns from black to white at its half, and sound that starts there with a click."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4", rate=FPS)
        video.width = video.height = 64
        video.pix_fmt = "yuv420p"
        audio = container.add_stream("aac", rate=RATE_HZ, layout="mono") if sound_s else None
        for i in range(round(seconds * FPS)):
            shade = 255 if i >= seconds * FPS / 2 else 0
            frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), shade, np.uint8), format="rgb24")
            frame.pts, frame.time_base = i, Fraction(1, FPS)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if audio is not None and sound_s:
            wave = _tone(sound_s)[None]
            for first in range(0, wave.shape[1] - 1023, 1024):
                part = av.AudioFrame.from_ndarray(wave[:, first : first + 1024], format="fltp", layout="mono")
                part.rate, part.pts = RATE_HZ, first + round(late_s * RATE_HZ)
                part.time_base = Fraction(1, RATE_HZ)
                container.mux(audio.encode(part))
            container.mux(audio.encode(None))


def _tone(seconds: float) -> np.ndarray:
    """Return silence and, from its half on, a tone."""
    t = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    return np.where(t < seconds / 2, 0, 0.5 * np.sin(2 * np.pi * 440 * t)).astype(np.float32)


def test_takes_are_read_with_their_own_sound_or_with_that_beside_them(tmp_path: Path) -> None:
    _film(tmp_path / "Video_Speech_Actor_03" / "01-01-02-01-02-01-03.mp4", sound_s=1.0)
    _film(tmp_path / "Video_Speech_Actor_03" / "02-01-02-01-02-01-03.mp4")
    _film(tmp_path / "Actor_04" / "02-01-05-02-01-02-04.mp4")
    soundfile.write(tmp_path / "Actor_04" / "03-01-05-02-01-02-04.wav", _tone(1.1), RATE_HZ)
    takes = ravdess_video.read(tmp_path)
    first, second = sorted(takes.takes, key=lambda take: take.actor)
    assert (EMOTIONS[first.label], first.emotion_code, first.actor) == ("neutral", "02", 3)
    assert (EMOTIONS[second.label], second.actor, second.repetition) == ("angry", 4, 2)
    assert first.sound == first.path
    assert second.sound.name == "03-01-05-02-01-02-04.wav"
    assert first.seconds == pytest.approx(1.0, abs=0.05)
    assert [(p.name[:2], why) for p, why in takes.skipped] == [("02", "the same take is there with sound")]


@pytest.mark.parametrize(("sound_s", "late_s"), [(1.0, 0.0), (0.8, 0.1)])
def test_the_sound_of_a_frame_is_what_was_heard_when_it_was_seen(
    tmp_path: Path, sound_s: float, late_s: float
) -> None:
    """Light and tone change at 0.5 s of the container's clock, whether the sound track starts late or not."""
    path = tmp_path / "01-01-03-01-01-01-01.mp4"
    _film(path, 1.0, sound_s, late_s)
    (take,) = ravdess_video.read(tmp_path).takes
    sound = take.hear()
    bright = {round(t, 2): bool(picture.mean() > 128) for t, picture in moving.frames(path, FPS)}
    loud = {t: bool(np.abs(sound.window(t, 0.04)).max() > 0.25) for t in bright}
    settled = [t for t in bright if 0.15 < t < 0.85 and abs(t - 0.5) > 0.08]
    assert len(settled) > 10
    assert [bright[t] for t in settled] == [loud[t] for t in settled]


def test_a_window_beyond_the_sound_is_silent() -> None:
    sound = moving.Sound(np.ones(100, np.float32), 100, start_s=1.0)
    assert sound.window(1.5, 1.0).tolist() == [1.0] * 100
    assert sound.window(1.0, 1.0).tolist() == [0.0] * 50 + [1.0] * 50
    assert sound.window(2.0, 1.0).tolist() == [1.0] * 50 + [0.0] * 50
    assert sound.window(9.0, 1.0).tolist() == sound.window(-9.0, 1.0).tolist() == [0.0] * 100


def test_frames_are_thinned_to_the_rate_that_is_asked_for(tmp_path: Path) -> None:
    _film(tmp_path / "a.mp4")
    assert [round(t, 2) for t, _ in moving.frames(tmp_path / "a.mp4", 5)] == [0.0, 0.2, 0.4, 0.6, 0.8]


def test_bad_takes_are_skipped_with_their_reason(tmp_path: Path) -> None:
    _film(tmp_path / "01-01-01-01-01-01-01.mp4", sound_s=1.0)
    _film(tmp_path / "01-01-01-01-01-02-01.mp4", seconds=0.2, sound_s=0.2)
    _film(tmp_path / "01-01-01-01-02-01-01.mp4")
    _film(tmp_path / "01-01-01-01-02-02-01.mp4", seconds=2.0, sound_s=1.0)
    _film(tmp_path / "02-01-01-01-02-02-02.mp4")
    _film(tmp_path / "01-02-01-01-02-02-01.mp4")
    (tmp_path / "01-01-04-01-02-02-01.mp4").write_bytes(b"no film")
    (tmp_path / "01-01-05-01-02-02-01.mp4").mkdir()
    _film(tmp_path / "02-01-06-01-02-02-01.mp4")
    soundfile.write(tmp_path / "03-01-06-01-02-02-01.wav", np.zeros(RATE_HZ), RATE_HZ)
    takes = ravdess_video.read(tmp_path)
    assert [take.path.name for take in takes.takes] == ["01-01-01-01-01-01-01.mp4"]
    reasons = {path.stem: reason for path, reason in takes.skipped}
    assert reasons["01-01-01-01-01-02-01"] == "only 0.20 s long, less than 0.5 s"
    assert "no sound" in reasons["01-01-01-01-02-01-01"]
    assert "the ends of sound and picture lie 1." in reasons["01-01-01-01-02-02-01"]
    assert "no file of modality 03" in reasons["02-01-01-01-02-02-02"]
    assert reasons["01-02-01-01-02-02-01"] == "not speech (channel 01)"
    assert reasons["01-01-04-01-02-02-01"] == "cannot be decoded as video"
    assert reasons["01-01-05-01-02-02-01"] == "cannot be decoded as video"
    assert reasons["02-01-06-01-02-02-01"] == "holds no sound: all zero"


def test_a_torn_film_is_an_input_error(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"no film")
    with pytest.raises(InputError, match="cannot be decoded as video"):
        list(moving.frames(tmp_path / "a.mp4", 5))
    with pytest.raises(InputError, match=r"no RAVDESS video files in .*Actor_XX"):
        ravdess_video.read(tmp_path / "nowhere")
