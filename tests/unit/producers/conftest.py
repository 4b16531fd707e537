"""Media made for the tests: pictures that carry their number in their pixels, sound with clicks."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from affectstream.runtime.log import notice

BITS = 8
Sound = NDArray[np.int16]  # (channels, samples)
CODECS = {
    ".mp4": ("libx264", "aac"),
    ".mov": ("libx264", "pcm_s16le"),
    ".mkv": ("libx264", "pcm_s16le"),
    ".webm": ("libvpx", "libopus"),
    ".wav": (None, "pcm_s16le"),
    ".flac": (None, "flac"),
    ".mp3": (None, "libmp3lame"),
    ".ogg": (None, "libopus"),
}
MICROSECONDS = Fraction(1, 1_000_000)


def numbered(number: int, width: int = 64, height: int = 48) -> NDArray[np.uint8]:
    """A picture whose columns are black or white by the bits of ``number``."""
    bits = [255 if number >> bit & 1 else 0 for bit in range(BITS)]
    row = np.repeat(np.array(bits, np.uint8), width // BITS)
    return np.repeat(np.tile(row, (height, 1))[:, :, None], 3, axis=2)


def read_number(jpeg: bytes) -> int:
    """The number in a picture."""
    gray = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
    columns = np.array_split(gray, BITS, axis=1)
    return sum(int(column[:, 2:-2].mean() > 127) << bit for bit, column in enumerate(columns))


def click(rate_hz: int, length_ms: int, *at_ms: int, channels: int = 1) -> Sound:
    """Silence with one loud sample at each of the times, in all channels."""
    samples = np.zeros((channels, round(length_ms * rate_hz / 1000)), np.int16)
    for ms in at_ms:
        samples[:, round(ms * rate_hz / 1000)] = 30_000
    return samples


def make(
    path: Path,
    *,
    frames_s: Sequence[Fraction | float] = (),
    sound: Sound | None = None,
    pieces: Sequence[tuple[float, Sound]] = (),
    rate_hz: int = 16_000,
    size: tuple[int, int] = (64, 48),
) -> Path:
    """Write a file: numbered pictures at the given times, and sound in one or in several placed pieces."""
    placed = [(0.0, sound)] if sound is not None else list(pieces)
    video_codec, audio_codec = CODECS[path.suffix]
    with av.open(str(path), "w") as container:
        video = container.add_stream(video_codec, rate=30) if frames_s else None
        if video:
            video.width, video.height = size
            video.pix_fmt, video.time_base = "yuv420p", MICROSECONDS
            video.codec_context.time_base = MICROSECONDS
        audio = container.add_stream(audio_codec, rate=rate_hz) if placed else None
        if audio:
            audio.layout = {1: "mono", 2: "stereo"}[len(placed[0][1])]
        for number, at_s in enumerate(frames_s):
            frame = av.VideoFrame.from_ndarray(numbered(number % 256, *size), format="rgb24")
            frame.pts, frame.time_base = round(Fraction(at_s) / MICROSECONDS), MICROSECONDS
            container.mux(video.encode(frame))
        if video:
            container.mux(video.encode(None))
        for at_s, samples in placed:
            _mux_sound(container, audio, round(at_s * rate_hz), samples, rate_hz)
        if audio:
            container.mux(audio.encode(None))
    return path


def _mux_sound(container, audio, start: int, samples: Sound, rate_hz: int) -> None:
    for offset in range(0, samples.shape[1], 960):
        part = np.ascontiguousarray(samples[:, offset : offset + 960])
        packed = part.T.reshape(1, -1)
        layout = {1: "mono", 2: "stereo"}[len(samples)]
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(packed), format="s16", layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = rate_hz, start + offset, Fraction(1, rate_hz)
        container.mux(audio.encode(frame))


@pytest.fixture(autouse=True)
def forget() -> None:
    """Let every test hear each notice anew."""
    notice.cache_clear()


@pytest.fixture
def media(tmp_path: Path) -> Callable[..., Path]:
    """``media("a.mp4", frames_s=[...], sound=click(...))`` writes a file and returns its path."""

    def write(name: str, **what: object) -> Path:
        return make(tmp_path / name, **what)

    return write


@pytest.fixture
def tools() -> object:
    """The helpers of this folder, since tests are no package."""

    class Tools:
        click = staticmethod(click)
        numbered = staticmethod(numbered)
        read_number = staticmethod(read_number)

    return Tools
