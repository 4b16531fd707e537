"""Media files: their tracks, and decoded frames with exact times.

All times of a file are exact fractions of a second after its *zero*, the earliest start of any of its audio
and video tracks. So sound and picture share one zero, whatever offset the container starts at. A time is
rounded to whole milliseconds once, from the exact fraction, so that no error adds up.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import av
import structlog
from av.stream import Disposition

from affectstream.schemas.errors import InputError

Kind = Literal["video", "audio"]
Damage = Counter[Path]
"""How many packets, frames or missing ends of each file could not be used."""

# Only containers of sound and moving pictures: a playlist or a text could name other files to read.
DEMUXERS = "mov,mp4,m4a,3gp,matroska,webm,wav,w64,flac,mp3,ogg,avi,mpegts,mpeg,flv,aac,aiff,caf,amr,au"
ESTIMATED = {"mp3", "aac", "amr", "mpegts", "mpeg"}  # their length is a guess from the bit rate
SHORT_S = Fraction(1, 2)  # a track that ends this much before its declared end was cut off
LONGEST_GAP_MS = 3_600_000

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class MediaFile:
    """The tracks of a file."""

    path: Path
    zero: Fraction  # s, on the container's own clock
    video: int | None  # index of the stream
    audio: int | None
    channels: int  # of the audio; 0 without
    duration_ms: int | None  # as declared; None where the container does not say


@dataclass(frozen=True)
class Decoded:
    """One decoded frame, or block of samples, and its interval."""

    at: Fraction  # s after the zero of the file
    until: Fraction
    frame: Any


@dataclass(frozen=True)
class End:
    """Where a track ends, in ms after the zero of the file."""

    at_ms: int


def milliseconds(seconds: Fraction) -> int:
    """Return the nearest whole millisecond; halves go up."""
    return (2000 * seconds.numerator + seconds.denominator) // (2 * seconds.denominator)


def check_gap(from_ms: int, to_ms: int) -> None:
    """Raise InputError where timestamps leap: a broken file would give hours of nothing."""
    if to_ms - from_ms > LONGEST_GAP_MS:
        raise InputError(
            f"the timestamps leap by {(to_ms - from_ms) // 1000} s at {from_ms // 1000} s; "
            "rewrite the file, for instance with `ffmpeg -fflags +genpts -i IN -c copy OUT`"
        )


def probe(path: Path) -> MediaFile:
    """Return the tracks of a file that can be decoded; raises InputError where there is none."""
    with _opened(path) as container:
        streams = [s for s in container.streams if s.type in ("video", "audio")]
        streams = [s for s in streams if not s.disposition & Disposition.attached_pic]
        starts = [s.start_time * s.time_base for s in streams if s.start_time is not None]
        video, audio = (_first(streams, kind) for kind in ("video", "audio"))
        file = MediaFile(
            path=path,
            zero=min(starts, default=Fraction(0)),
            video=None if video is None else video.index,
            audio=None if audio is None else audio.index,
            channels=0 if audio is None else audio.codec_context.channels,
            duration_ms=_duration_ms(container),
        )
    return _usable(file)


def decode(file: MediaFile, kind: Kind, damage: Damage) -> Iterator[Decoded]:
    """Yield the frames of one track in presentation order; count in ``damage`` what cannot be decoded."""
    index = getattr(file, kind)
    with _opened(file.path) as container:
        stream = container.streams[index]
        stream.thread_type = "AUTO"
        until = Fraction(0)
        for frame in _frames(container, stream, file.path, damage):
            item = _timed(frame, stream, file.zero, until)
            until = max(until, item.until)
            yield item
        if _cut_off(container, stream, until):
            damage[file.path] += 1
    if damage[file.path]:
        log.warning("media_file_damaged", file=file.path.name, faults=damage[file.path])


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    if not path.is_file():
        raise InputError(f"{path}: no such file; check the path")
    if path.stat().st_size == 0:
        raise InputError(f"{path}: the file is empty (0 bytes); record or copy it again")
    options = {"format_whitelist": DEMUXERS, "protocol_whitelist": "file"}
    try:
        container = av.open(f"file:{path.absolute()}", container_options=options, metadata_errors="replace")
    except PermissionError:
        raise InputError(f"{path}: may not be read; check its permissions") from None
    except av.FFmpegError:
        raise InputError(
            f"{path}: not a media file that can be read (damaged, cut off before its index, or of another "
            "kind); mp4, mkv, mov, webm, wav, flac, mp3 and ogg can be read"
        ) from None
    with container:
        yield container


def _first(streams: list[Any], kind: Kind) -> Any:
    """Return the track marked as default, else the first whose codec is known."""
    known = [s for s in streams if s.type == kind and s.codec_context is not None]
    known.sort(key=lambda s: not s.disposition & Disposition.default)
    return known[0] if known else None


def _usable(file: MediaFile) -> MediaFile:
    """Return ``file`` without the tracks of which not one frame can be decoded."""
    scratch: Damage = Counter()
    lacking: dict[str, Any] = {}
    for kind in ("video", "audio"):
        if getattr(file, kind) is not None and next(decode(file, kind, scratch), None) is None:
            lacking[kind] = None
    tracks = {"video": file.video, "audio": file.audio} | lacking
    if tracks["video"] is None and tracks["audio"] is None:
        raise InputError(
            f"{file.path}: holds no picture and no sound that can be decoded; check that it plays elsewhere"
        )
    channels = file.channels if tracks["audio"] is not None else 0
    return MediaFile(file.path, file.zero, tracks["video"], tracks["audio"], channels, file.duration_ms)


def _frames(container: Any, stream: Any, path: Path, damage: Damage) -> Iterator[Any]:
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except av.FFmpegError:
            damage[path] += 1
            return
        if packet is None:
            return
        try:
            frames = packet.decode()
        except av.FFmpegError:
            damage[path] += 1
            continue
        for frame in frames:
            if frame.is_corrupt:
                damage[path] += 1
            yield frame


def _timed(frame: Any, stream: Any, zero: Fraction, follows: Fraction) -> Decoded:
    """Return a frame with its interval; one without a timestamp follows the frame before it."""
    base = frame.time_base or stream.time_base
    at = follows if frame.pts is None else frame.pts * base - zero
    if stream.type == "audio":
        length = Fraction(frame.samples, frame.sample_rate)
    elif frame.duration:
        length = frame.duration * base
    else:
        length = 1 / Fraction(stream.average_rate or 25)
    return Decoded(at, at + length, frame)


def _duration_ms(container: Any) -> int | None:
    return None if container.duration is None else round(Fraction(container.duration, 1000))


def _cut_off(container: Any, stream: Any, until: Fraction) -> bool:
    if stream.duration is None or container.format.name in ESTIMATED:
        return False
    return bool(until + SHORT_S < stream.duration * stream.time_base)
