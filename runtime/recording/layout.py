"""Where the chunks of an MCAP file lie, read from its summary, or found one by one where it was cut off."""

import os
import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path
from typing import IO

import zstandard
from mcap.data_stream import ReadDataStream
from mcap.exceptions import McapError
from mcap.opcode import Opcode
from mcap.reader import SeekingReader
from mcap.records import Channel, Chunk, ChunkIndex, Message, Metadata, Schema
from mcap.stream_reader import MAGIC_SIZE, breakup_chunk
from mcap.summary import Summary
from mcap.writer import MCAP0_MAGIC

from affectstream.schemas.errors import InputError

HEAD = struct.Struct("<BQ")  # of a record: what it is, and how many bytes follow
TIMES = struct.Struct("<QQQ")  # of a chunk: first and last time of its messages, and its size unpacked
LARGEST_CHUNK = 64 << 20  # unpacked; those that are written are of 1 MiB and one message

FAULTS = (
    McapError,
    struct.error,
    ValueError,
    IndexError,
    KeyError,
    EOFError,
    MemoryError,
    zstandard.ZstdError,
    RuntimeError,
)


@dataclass
class Layout:
    """What is where in a file; times in nanoseconds."""

    whole: bool  # it was finished: its index is at its end
    readable_bytes: int  # from the start, to the end of the last whole chunk
    summary: Summary = field(default_factory=Summary)
    counts: Counter[int] = field(default_factory=Counter)  # messages by channel
    metadata: list[Metadata] = field(default_factory=list)
    start_ns: int = 0
    end_ns: int = 0


class IndexedReader(SeekingReader):
    """A reader of the chunks of a layout, whether or not the file itself has an index."""

    def __init__(self, stream: IO[bytes], summary: Summary) -> None:
        super().__init__(stream, validate_crcs=True, record_size_limit=2 * LARGEST_CHUNK)
        self._known = summary

    def get_summary(self) -> Summary:
        """Return the index of the layout."""
        return self._known


def layout(path: Path) -> Layout:
    """Return the layout of a file; raises InputError where it is no MCAP file."""
    with path.open("rb") as file:
        if file.read(MAGIC_SIZE) != MCAP0_MAGIC:
            raise InputError(f"{path}: not an MCAP file")
        try:
            return _by_index(file) or scanned(path)
        except FAULTS:
            return scanned(path)


def grown(path: Path, known: Layout) -> Layout:
    """Return the layout of a file that may have grown since ``known``, which is returned where it has not.

    Only what was added is read, unless another file has taken its place. Raises OSError and InputError.
    """
    with path.open("rb") as file:
        if not _goes_on(file, known):
            return layout(path)
    if known.whole:
        return known
    found = scanned(path, known)
    return known if found.readable_bytes == known.readable_bytes else found


def _goes_on(file: IO[bytes], known: Layout) -> bool:
    """Say whether the last chunk of a layout is where it was."""
    if not known.summary.chunk_indexes:
        return False
    last = max(known.summary.chunk_indexes, key=lambda index: index.chunk_start_offset)
    file.seek(last.chunk_start_offset)
    code, length = HEAD.unpack(file.read(HEAD.size).ljust(HEAD.size))
    times = TIMES.unpack(file.read(TIMES.size).ljust(TIMES.size))
    expected = last.message_start_time, last.message_end_time, last.uncompressed_size
    return (code, HEAD.size + length) == (Opcode.CHUNK, last.chunk_length) and times == expected


def added(now: Layout, before: Layout) -> Layout | None:
    """Return a layout of the chunks that were written after ``before``; None where those before differ."""
    known, found = before.summary.chunk_indexes, now.summary.chunk_indexes
    if list(map(_place, known)) != list(map(_place, found[: len(known)])):
        return None
    new = _copy(now)
    new.summary.chunk_indexes = found[len(known) :]
    return new


def _place(index: ChunkIndex) -> tuple[int, ...]:
    """Return what tells a chunk from another, whether it was read from the index or scanned."""
    times = index.message_start_time, index.message_end_time
    return (index.chunk_start_offset, index.chunk_length, index.uncompressed_size, *times)


def _by_index(file: IO[bytes]) -> Layout | None:
    """Return the layout from the index at the end of a file; None where there is none."""
    size = os.fstat(file.fileno()).st_size
    file.seek(max(MAGIC_SIZE, size - MAGIC_SIZE))
    if file.read() != MCAP0_MAGIC:
        return None
    file.seek(0)
    reader = SeekingReader(file, record_size_limit=LARGEST_CHUNK)
    summary = reader.get_summary()
    if summary is None or summary.statistics is None:
        return None
    if any(index.uncompressed_size > LARGEST_CHUNK for index in summary.chunk_indexes):
        raise ValueError("a chunk is too large")
    found = summary.statistics
    return Layout(
        True,
        size,
        summary,
        Counter(found.channel_message_counts),
        list(reader.iter_metadata()),
        found.message_start_time,
        found.message_end_time,
    )


def scanned(path: Path, known: Layout | None = None) -> Layout:
    """Return the layout of what is whole in a file, each chunk unpacked and checked, or read on."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        found = _copy(known) if known else Layout(False, MAGIC_SIZE)
        try:
            for code, at, length in _records(file, found.readable_bytes, size):
                if code == Opcode.DATA_END:
                    break
                _take(found, file, code, at, length)
                if code in (Opcode.CHUNK, Opcode.METADATA):
                    found.readable_bytes = at + HEAD.size + length
        except FAULTS:
            pass  # whatever the damage, what lies before it is read
    return found


def _copy(known: Layout) -> Layout:
    """Return a layout that can be added to, while others read ``known``."""
    summary = Summary()
    summary.schemas, summary.channels = dict(known.summary.schemas), dict(known.summary.channels)
    summary.chunk_indexes = [*known.summary.chunk_indexes]
    return replace(known, summary=summary, counts=Counter(known.counts), metadata=[*known.metadata])


def _records(file: IO[bytes], at: int, size: int) -> Iterator[tuple[int, int, int]]:
    """Yield code, position and length of the whole records of a file from a position on."""
    while at + HEAD.size <= size:
        file.seek(at)
        code, length = HEAD.unpack(file.read(HEAD.size))
        if at + HEAD.size + length > size:
            return
        yield code, at, length
        at += HEAD.size + length


def _take(found: Layout, file: IO[bytes], code: int, at: int, length: int) -> None:
    if code == Opcode.METADATA:
        found.metadata.append(Metadata.read(ReadDataStream(BytesIO(file.read(min(length, LARGEST_CHUNK))))))
    if code != Opcode.CHUNK:
        return
    *_, unpacked = TIMES.unpack(file.read(TIMES.size))
    if max(unpacked, length) > LARGEST_CHUNK:
        raise ValueError("a chunk is too large")
    file.seek(at + HEAD.size)
    chunk = Chunk.read(ReadDataStream(BytesIO(file.read(length))))
    records = breakup_chunk(chunk, validate_crc=True)
    _count(found, chunk, [record for record in records if isinstance(record, Message)])
    for record in records:
        if isinstance(record, Schema):
            found.summary.schemas[record.id] = record
        elif isinstance(record, Channel):
            found.summary.channels[record.id] = record
    found.summary.chunk_indexes.append(
        ChunkIndex(
            chunk_length=HEAD.size + length,
            chunk_start_offset=at,
            compression=chunk.compression,
            compressed_size=len(chunk.data),
            message_end_time=chunk.message_end_time,
            message_index_length=0,
            message_index_offsets={},
            message_start_time=chunk.message_start_time,
            uncompressed_size=chunk.uncompressed_size,
        )
    )


def _count(found: Layout, chunk: Chunk, messages: list[Message]) -> None:
    first = not found.counts
    found.counts.update(message.channel_id for message in messages)
    found.start_ns = chunk.message_start_time if first else min(found.start_ns, chunk.message_start_time)
    found.end_ns = max(found.end_ns, chunk.message_end_time)
