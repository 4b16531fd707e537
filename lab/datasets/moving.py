"""Frames and sound of a clip on the one clock of its container."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import soundfile

from affectstream.schemas.errors import InputError


@dataclass(frozen=True)
class Span:
    """When a stream begins and ends, in seconds of the container's clock."""

    start_s: float
    end_s: float


@dataclass(frozen=True)
class Sound:
    """Mono samples and the time of the first of them on the clock of the picture."""

    samples: npt.NDArray[np.float32]  # (n,) in [-1, 1]
    rate_hz: int
    start_s: float

    def window(self, middle_s: float, window_s: float) -> npt.NDArray[np.float32]:
        """Return ``window_s`` of sound about ``middle_s``; silence where there is none."""
        length = round(window_s * self.rate_hz)
        first = round((middle_s - window_s / 2 - self.start_s) * self.rate_hz)
        out = np.zeros(length, dtype=np.float32)
        part = self.samples[max(first, 0) : max(first + length, 0)]
        begin = max(-first, 0)
        out[begin : begin + len(part)] = part
        return out


def frames(path: Path, fps: float) -> Iterator[tuple[float, npt.NDArray[np.uint8]]]:
    """Yield at most ``fps`` frames a second as time in seconds and BGR picture (h, w, 3).

    Raises InputError where the file holds no video or is torn.
    """
    due_s = -np.inf
    try:
        with av.open(str(path)) as container:
            for frame in container.decode(video=0):
                if frame.time is not None and frame.time >= due_s - 1e-6:
                    due_s = frame.time + 1 / fps
                    yield frame.time, np.asarray(frame.to_ndarray(format="bgr24"), dtype=np.uint8)
    except (av.FFmpegError, IndexError, OSError) as error:
        raise InputError(f"{path} cannot be decoded as video") from error


def own_sound(path: Path) -> Sound:
    """Return the sound track inside a video; raises InputError where there is none or it is torn."""
    try:
        with av.open(str(path)) as container:
            stream = container.streams.audio[0]
            rate_hz = stream.rate
            resampler = av.AudioResampler(format="fltp", layout="mono", rate=rate_hz)
            parts, start_s = [], None
            for frame in container.decode(stream):
                start_s = frame.time if start_s is None else start_s
                parts += [made.to_ndarray()[0] for made in resampler.resample(frame)]
            parts += [made.to_ndarray()[0] for made in resampler.resample(None)]
    except (av.FFmpegError, IndexError, OSError) as error:
        raise InputError(f"{path} has no sound that can be decoded") from error
    if start_s is None:
        raise InputError(f"{path} has no sound that can be decoded")
    return Sound(np.concatenate(parts).astype(np.float32), rate_hz, start_s)


def separate_sound(path: Path) -> Sound:
    """Return a sound file that was recorded and cut together with a picture: it starts where that starts."""
    try:
        samples, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
    except (OSError, soundfile.SoundFileError) as error:
        raise InputError(f"{path} cannot be decoded as audio") from error
    return Sound(samples.mean(axis=1, dtype=np.float32), int(rate_hz), 0.0)


def picture_span(path: Path) -> Span:
    """Return when the picture begins and ends, from a pass over all its packets and the first frame decoded.

    Raises InputError where there is no video, or where it breaks off.
    """
    try:
        with av.open(str(path)) as container:
            if next(container.decode(video=0), None) is None:
                raise InputError("holds no frame")
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            base = float(stream.time_base or 0)
            times = [
                (packet.pts * base, (packet.pts + (packet.duration or 0)) * base)
                for packet in container.demux(stream)
                if packet.pts is not None
            ]
    except (av.FFmpegError, IndexError, OSError) as error:
        raise InputError("cannot be decoded as video") from error
    if not times:
        raise InputError("its frames carry no times")
    return Span(min(t for t, _ in times), max(t for _, t in times))
