"""Headers of WAV files that state less sound than the file holds, as recorders leave them when cut short.

A recorder writes the size of its sound once it stops, or from time to time. FFmpeg reads as much as is
stated. What follows the stated end is other chunks (names, marks), or else more sound.
"""

import re
from dataclasses import dataclass
from typing import BinaryIO

UNKNOWN = (0, 0xFFFFFFFF)  # sizes for which FFmpeg reads to the end
LEAST_S = 0.1  # of sound after the stated end; less is padding
CHUNKS = {b"LIST", b"list", b"bext", b"iXML", b"axml", b"id3 ", b"JUNK", b"fact", b"cue ", b"smpl", b"PEAK"}


@dataclass(frozen=True)
class Understated:
    """Where the size of the sound stands, in bytes from the start of the file, and what it should be."""

    at: int
    size: bytes
    stated_s: float
    held_s: float


def understated(file: BinaryIO, start: int, stop: int) -> Understated | None:
    """Return what is to be mended in the header of the WAV file in these bytes; None where nothing is."""
    file.seek(start)
    head = file.read(12)
    if head[:4] != b"RIFF" or head[8:] != b"WAVE":
        return None
    at, bytes_a_second = start + 12, 0
    while at + 8 <= stop:
        kind, size, begin = _chunk(file, at)
        if kind == b"fmt ":
            bytes_a_second = int.from_bytes(begin[8:12], "little")
        if kind == b"data":
            return _mended(file, at, size, stop, bytes_a_second)
        at += 8 + size + size % 2
    return None


def _chunk(file: BinaryIO, at: int) -> tuple[bytes, int, bytes]:
    """Return the kind of a chunk, its size, and its first bytes."""
    file.seek(at)
    head = file.read(20)
    return head[:4], int.from_bytes(head[4:8], "little"), head[8:]


def _mended(file: BinaryIO, at: int, size: int, stop: int, bytes_a_second: int) -> Understated | None:
    end = at + 8 + size + size % 2
    if size in UNKNOWN or not bytes_a_second or stop - end <= LEAST_S * bytes_a_second:
        return None
    kind, following, _ = _chunk(file, end)
    if kind in CHUNKS or (re.fullmatch(rb"[ -~]{4}", kind) and end + 8 + following <= stop + 1):
        return None
    held = min(stop - at - 8, UNKNOWN[1] - 1)
    return Understated(at + 4, held.to_bytes(4, "little"), size / bytes_a_second, held / bytes_a_second)
