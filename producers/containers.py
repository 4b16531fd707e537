"""Containers of sound and moving pictures: opened for reading, one part at a time where files were joined.

``cat a.webm b.webm`` and recorders that append to their last file put one whole file behind another. FFmpeg
stops at the second header of such a container, or loses a part; so a joined file is read as its parts.
"""

import io
import mmap
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av

from affectstream.producers.wave_header import Understated, understated
from affectstream.runtime.log import notice
from affectstream.schemas.errors import InputError

# Only containers of sound and moving pictures: a playlist or a text could name other files to read.
DEMUXERS = (
    "mov,mp4,m4a,3gp,matroska,webm,wav,w64,flac,mp3,ogg,avi,mpegts,mpeg,flv,asf,aac,aiff,caf,amr,au,wv,"
    "gsm,voc,ac3,rm,mxf,ivf"
)
READ = "mp4, mkv, mov, webm, avi, ts, flv, wav, flac, mp3, m4a, ogg, opus, wma and amr can be read"

HEADERS = {
    "matroska": re.compile(rb"\x1a\x45\xdf\xa3[\x00-\xff]{1,80}?\x42\x82[\x80-\x90](?:webm|matroska)"),
    "flv": re.compile(rb"FLV\x01[\x00-\x05]\x00\x00\x00\x09\x00\x00\x00\x00"),
    "wav": re.compile(rb"RIFF[\x00-\xff]{4}WAVE(?:fmt |JUNK|bext|LIST)"),
    "avi": re.compile(rb"RIFF[\x00-\xff]{4}AVI LIST"),
    "asf": re.compile(rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c"),
    "mp3": re.compile(rb"ID3[\x03\x04]\x00[\x00\x40\x80\xc0][\x00-\x7f]{4}(?:[A-Z][A-Z0-9]{3}|\x00{4})"),
    "flac": re.compile(rb"fLaC[\x00\x80]\x00\x00\x22"),
    "aiff": re.compile(rb"FORM[\x00-\xff]{4}AIF[FC]"),
    "caf": re.compile(rb"caff\x00\x01\x00\x00desc"),
    "amr": re.compile(rb"#!AMR(?:-WB)?\n"),
    "wv": re.compile(  # the first block of a stream: of index 0, not empty, flagged as an initial one
        rb"wvpk[\x00-\xff]{4}[\x02-\x10]\x04\x00[\x00-\xff]{5}\x00{4}(?!\x00{4})[\x00-\xff]{5}"
        rb"[\x08-\x0f\x18-\x1f\x28-\x2f\x38-\x3f\x48-\x4f\x58-\x5f\x68-\x6f\x78-\x7f"
        rb"\x88-\x8f\x98-\x9f\xa8-\xaf\xb8-\xbf\xc8-\xcf\xd8-\xdf\xe8-\xef\xf8-\xff]"
    ),
    "au": re.compile(rb"\.snd\x00\x00[\x00-\x0f][\x18-\xff][\x00-\xff]{4}\x00\x00\x00[\x01-\x1b]"),
}
"""What begins a file of each container, and cannot come within one."""

FIRST_PAGE = re.compile(rb"OggS\x00[\x02\x06][\x00-\xff]{21}")  # of a stream; the last byte counts segments

Part = tuple[int, int]  # the first byte, and the byte after the last


def parts(path: Path) -> tuple[Part, ...]:
    """Return the bytes of each of the files that were joined to this one; of most files there is one.

    Raises InputError where the file cannot be read as media at all.
    """
    with opened(path) as container:
        kind = container.format.name
    size = path.stat().st_size
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        starts = list(_starts(kind, data))
    starts = [0, *(start for start in starts if start > 0)]
    return tuple(zip(starts, [*starts[1:], size], strict=True))


def _starts(kind: str, data: mmap.mmap) -> Iterator[int]:
    if kind.startswith("mov"):
        return iter(_movies(data))
    if kind == "ogg":
        return _links(data)
    header = next((pattern for name, pattern in HEADERS.items() if kind.startswith(name)), None)
    return (found.start() for found in header.finditer(data)) if header else iter(())


def _links(data: mmap.mmap) -> Iterator[int]:
    """Yield where the links of a chained Ogg begin: at a first page that follows no other first page."""
    after = -1
    for page in FIRST_PAGE.finditer(data):
        if page.start() != after:
            yield page.start()
        segments = data[page.end() : page.end() + data[page.end() - 1]]
        after = page.end() + len(segments) + sum(segments)


def _movies(data: mmap.mmap) -> list[int]:
    """Return where the `ftyp` boxes of the outermost level begin."""
    at, found = 0, []
    while at + 16 <= len(data):
        size, kind = int.from_bytes(data[at : at + 4]), data[at + 4 : at + 8]
        if size == 1:
            size = int.from_bytes(data[at + 8 : at + 16])
        if kind == b"ftyp":
            found.append(at)
        if size < 8:
            break
        at += size
    return found


@contextmanager
def opened(path: Path, part: Part | None = None) -> Iterator[Any]:
    """Open a file, or one part of it; raises InputError that names what is wrong with it."""
    if not path.is_file():
        raise InputError(f"{path}: {'not a file' if path.exists() else 'no such file'}; check the path")
    if path.stat().st_size == 0:
        raise InputError(f"{path}: the file is empty (0 bytes); record or copy it again")
    options = {"format_whitelist": DEMUXERS, "protocol_whitelist": "file"}
    try:
        source = _source(path, part) if part else _whole(path)
        container = av.open(source, container_options=options, metadata_errors="replace")
    except PermissionError:
        raise InputError(f"{path}: may not be read; check its permissions") from None
    except av.FFmpegError:
        raise InputError(
            f"{path}: not a media file that can be read (damaged, cut off before its index, or of another "
            f"kind); {READ}"
        ) from None
    with container:
        yield container


def _source(path: Path, part: Part) -> Any:
    """Return what FFmpeg reads: the file itself, or some of its bytes, their header mended if need be."""
    with path.open("rb") as file:
        mend = understated(file, *part)
    if mend:
        held = f"its header states {mend.stated_s:.1f} s of sound, it holds {mend.held_s:.1f} s; all is read"
        notice(path, held)
    elif part == (0, path.stat().st_size):
        return _whole(path)
    return _Slice(path, *part, mend)


def _whole(path: Path) -> str:
    return f"file:{path.absolute()}"


class _Slice(io.RawIOBase):
    """Some bytes of a file as a file, a few of them mended."""

    def __init__(self, path: Path, start: int, stop: int, mend: Understated | None = None) -> None:
        self._file = path.open("rb")
        self._start, self._size, self._mend = start, stop - start, mend
        self._file.seek(start)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._file.tell() - self._start

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self.tell(), os.SEEK_END: self._size}[whence]
        self._file.seek(self._start + max(0, base + offset))
        return self.tell()

    def readinto(self, buffer: Any, /) -> int:
        at = self._file.tell()
        data = self._file.read(min(len(buffer), max(0, self._size - self.tell())))
        buffer[: len(data)] = data
        if self._mend and at < self._mend.at + 4 and self._mend.at < at + len(data):
            for n, byte in enumerate(self._mend.size, self._mend.at - at):
                if 0 <= n < len(data):
                    buffer[n] = byte
        return len(data)

    def close(self) -> None:
        self._file.close()
        super().close()
