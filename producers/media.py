"""Media files: their tracks, and decoded frames with exact times.

All times of a file are exact fractions of a second after its *zero*, the earliest start of any of its audio
and video tracks. So sound and picture share one zero, whatever offset the container starts at. A time is
rounded to whole milliseconds once, from the exact fraction, so that no error adds up. Time stamps that step
back or leap are repaired (``producers.clock``), by one reading of all packets when the file is probed.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import av
from av.stream import Disposition

from affectstream.producers.clock import ClockRepair, Fault, described
from affectstream.producers.containers import Part, opened, parts
from affectstream.producers.stamps import Damage, Shifts, Track, packets_of, scan, streams_of
from affectstream.runtime.log import notice
from affectstream.schemas.errors import InputError

__all__ = ["Damage", "Decoded", "End", "MediaFile", "SoundTrack", "decode", "milliseconds", "probe"]

Kind = Literal["video", "audio"]
ESTIMATED = {"mp3", "aac", "amr", "mpegts", "mpeg"}  # their length is a guess from the bit rate
DECLARING = ("matroska", "flv", "asf")  # containers that state the length of the whole, not of each track
MOST_PIXELS = 8192 * 4320  # of a picture: a header may state any size, and FFmpeg would make room for it
ONE_THREAD_PIXELS = 640 * 480  # of a picture up to which threads cost a decoder more than they bring
SHORT_S = Fraction(1, 2)  # sound that ends this much before its declared end was cut off


@dataclass(frozen=True)
class SoundTrack:
    """One track of sound."""

    index: int  # of the stream
    channels: int
    layout: str  # as FFmpeg names it: "stereo", "5.1"


@dataclass(frozen=True, eq=False)
class MediaFile:
    """The tracks of a file."""

    path: Path
    zero: Fraction  # s, on the container's own clock
    video: int | None  # index of the stream
    sound: tuple[SoundTrack, ...]  # the default one first
    duration_ms: int  # to the end of the last packet
    parts: tuple[Part, ...]
    shifts: Shifts
    packets: Mapping[Track, int]
    gaps: tuple[tuple[int, int], ...] = ()  # ms after the zero: from when to when nothing was recorded

    @property
    def audio(self) -> int | None:
        """The index of the default track of sound."""
        return self.sound[0].index if self.sound else None

    @property
    def channels(self) -> int:
        """How many channels the default track of sound has; 0 without sound."""
        return self.sound[0].channels if self.sound else 0


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


def probe(path: Path) -> MediaFile:
    """Return the tracks of a file that can be decoded; raises InputError where there is none."""
    stat = path.stat() if path.is_file() else None
    return _probed(path, (stat.st_size, stat.st_mtime_ns) if stat else None)


@lru_cache(maxsize=32)
def _probed(path: Path, _: tuple[int, int] | None) -> MediaFile:
    found = parts(path)
    with opened(path, found[0]) as container:
        streams = [s for s in streams_of(container) if not s.disposition & Disposition.attached_pic]
        starts = [s.start_time * s.time_base for s in streams if s.start_time is not None]
        video, sound = _known(streams, "video"), _known(streams, "audio")
        tracks = tuple(
            SoundTrack(s.index, s.codec_context.channels, s.codec_context.layout.name) for s in sound
        )
        declared = container.duration if container.format.name.startswith(DECLARING) else None
        zero, index = min(starts, default=Fraction(0)), video[0].index if video else None
    if len(video) > 1:
        notice(path, f"{len(video)} tracks of pictures; the first is read")
    clock, shifts, packets = scan(path, found)
    _check_whole(path, declared, clock, shifts, len(found))
    length_ms = max(0, milliseconds(Fraction(clock.end_s or 0.0) - zero))
    file = _usable(MediaFile(path, zero, index, tracks, length_ms, found, shifts, packets))
    faults = [fault for fault in clock.faults if fault.kind != "gap" or file.sound]  # pictures alone may stay
    for text in described(faults):
        notice(path, text)
    first = Fraction(clock.first_s) - zero
    return replace(file, gaps=tuple(_interval(first, fault) for fault in faults if fault.kind == "gap"))


def _check_whole(path: Path, declared: int | None, clock: ClockRepair, shifts: Shifts, parts: int) -> None:
    """Say so where a file ends before the length that its container declares, in microseconds."""
    if declared is None or clock.end_s is None or any(shifts.values()) or parts > 1:
        return
    lacking_s = declared / av.time_base - (clock.end_s - min(0.0, clock.first_s))
    if lacking_s > SHORT_S:
        notice(path, f"cut off: {lacking_s:.1f} s of the length that it states are lacking; the rest is read")


def _interval(first: Fraction, gap: Fault) -> tuple[int, int]:
    start = first + Fraction(gap.at_s)
    return milliseconds(start), milliseconds(start + Fraction(gap.by_s))


def decode(file: MediaFile, kind: Kind, damage: Damage, track: int = 0) -> Iterator[Decoded]:
    """Yield the frames of one track in presentation order; count in ``damage`` what cannot be decoded.

    ``track`` is the number of the track of sound.
    """
    index = file.video if kind == "video" else file.sound[track].index
    until = Fraction(0)
    for number, part in enumerate(file.parts):
        with opened(file.path, part) as container:
            stream = _stream(container, kind, index)
            if stream is None:
                continue
            if kind == "video":
                small = stream.width * stream.height <= ONE_THREAD_PIXELS
                stream.thread_type = "NONE" if small else "AUTO"
                stream.codec_context.options = {"max_pixels": str(MOST_PIXELS)}
            for frame in _frames(container, stream, (number, stream.index), file, damage):
                item = _timed(frame, stream, file.zero, until)
                until = max(until, item.until)
                yield item
            if len(file.parts) == 1 and _cut_off(container, stream, file, until):
                damage[file.path] += 1
    if damage[file.path]:
        count = damage[file.path]
        notice(
            file.path, f"damaged or cut off: {count} packets, frames or ends are lacking; the rest is read"
        )


def _known(streams: list[Any], kind: Kind) -> list[Any]:
    """Return the tracks of a kind, those marked as default first."""
    known = [s for s in streams if s.type == kind]
    return sorted(known, key=lambda s: not s.disposition & Disposition.default)


def _stream(container: Any, kind: Kind, index: int | None) -> Any:
    """Return the track of that index, or, in a part that was made otherwise, the first of the kind."""
    streams = _known(streams_of(container), kind)
    return next((s for s in streams if s.index == index), streams[0] if streams else None)


def _usable(file: MediaFile) -> MediaFile:
    """Return ``file`` without the tracks of which not one frame can be decoded."""
    scratch: Damage = Counter()
    sound = tuple(
        track
        for number, track in enumerate(file.sound)
        if next(decode(file, "audio", scratch, number), None) is not None
    )
    pictures = file.video is not None and next(decode(file, "video", scratch), None) is not None
    if not sound and not pictures:
        raise InputError(
            f"{file.path}: holds no picture and no sound that can be decoded; check that it plays elsewhere"
        )
    return replace(file, video=file.video if pictures else None, sound=sound)


def _frames(container: Any, stream: Any, track: Track, file: MediaFile, damage: Damage) -> Iterator[Any]:
    changes, shift = dict(file.shifts.get(track, ())), 0
    for number, packet in enumerate(packets_of(container, [stream], damage, file.path)):
        if number in changes:
            shift = round(changes[number] / stream.time_base)
        if shift:
            packet.pts = None if packet.pts is None else packet.pts + shift
            packet.dts = None if packet.dts is None else packet.dts + shift
        try:
            frames = packet.decode()
        except av.FFmpegError:
            damage[file.path] += 1
            continue
        for frame in frames:
            if frame.is_corrupt:
                damage[file.path] += 1
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


def _cut_off(container: Any, stream: Any, file: MediaFile, until: Fraction) -> bool:
    """Say whether a track ends before its declared end; pictures by their number, since one may stay long."""
    if stream.type == "video":
        return bool(file.packets.get((0, stream.index), 0) < stream.frames)
    if stream.duration is None or container.format.name in ESTIMATED:
        return False
    return bool(until + SHORT_S < stream.duration * stream.time_base)
