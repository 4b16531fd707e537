"""A recording that is written: a file beside its final name until it is whole.

What is added is packed into chunks; ``flush`` writes and synchronises them, so what was flushed survives the
process. ``FILE.part`` becomes ``FILE`` with the index at its end. A part that a killed process left, or a
file whose session goes on, is taken up: copied, and continued.
"""

import errno
import os
import shutil
from collections import defaultdict
from io import BytesIO
from itertools import count
from pathlib import Path

from mcap.writer import CompressionType, Writer

from affectstream.runtime.recording.reader import FORMAT, METADATA, Recording, open_recording
from affectstream.runtime.recording.record import (
    ENCODING,
    NS_PER_MS,
    SCHEMA_ENCODING,
    SEQUENCES,
    channel_name,
    json_schema,
    party_of,
    to_json,
)
from affectstream.runtime.recordings import COPY, NEXT, SUFFIX, part_of
from affectstream.schemas.due import Timed, due_ms
from affectstream.schemas.errors import InputError

CHUNK_BYTES = 1 << 20
TAIL_BYTES = 16 << 20  # in memory at most of a file that is taken up
PROFILE = LIBRARY = "affectstream"


class TakenOver(FileNotFoundError):
    """Another process has gone on with a file: it holds the session's partition now."""


class RecordingWriter:
    """The file of one run of a session; TakenOver where another process has gone on with it.

    Raises OSError where the disk is full: what was flushed before is readable, and ``flush`` or ``finish``
    may be tried again.
    """

    def __init__(self, folder: Path, session_id: str, run: str) -> None:
        self.session_id, self.run = session_id, run
        self.path, earlier = _place(folder, session_id, run)
        self.is_new = earlier is None
        self._part = part_of(self.path)
        self._ended = self._finished = False
        self._seen: set[tuple[str, int, int]] = set()  # channel, offset and arrival of what was taken up
        self._reached_ns: defaultdict[str, int] = defaultdict(int)  # by channel, ends of streams apart
        self._channels: dict[str, int] = {}
        self._schemas: dict[str, int] = {}
        if earlier is not None:
            _require_room(folder, earlier.written.readable_bytes)
        self._file = _Tail(self._part.with_name(self._part.name + COPY))
        self._writer = Writer(self._file, CHUNK_BYTES, CompressionType.ZSTD)
        try:
            self._begin(earlier)
        except OSError:
            self._file.discard()
            raise

    def add(self, topic: str, message: Timed, value: bytes, arrived_ms: int, offset: int) -> bool:
        """Add a message, whose record's ``value`` is; returns False where it was recorded before.

        ``topic`` is without a prefix; ``arrived_ms`` and ``offset`` are those of the record on the broker.
        """
        sequence = offset % SEQUENCES
        name, party = channel_name(topic, message), party_of(message)
        if self._seen and (name, sequence, arrived_ms) in self._seen:
            return False
        if name not in self._channels:
            self._register(
                name, {"topic": topic, "party": party, "type": message.type}, json_schema(message.type)
            )
        stream = name.removesuffix("/end")  # a reader has its messages in the order of their arrival
        self._reached_ns[stream] = max(self._reached_ns[stream], due_ms(message) * NS_PER_MS)
        self._put(name, to_json(value), self._reached_ns[stream], arrived_ms * NS_PER_MS, sequence)
        return True

    def flush(self) -> None:
        """Write and synchronise what was added."""
        self._writer.flush()  # type: ignore[no-untyped-call]
        self._file.drain()

    def finish(self) -> None:
        """Write the index, and give the file its name; again where that failed, for want of room."""
        if self._finished:
            return
        if not self._ended:
            self._writer.finish()  # type: ignore[no-untyped-call]
            self._ended = True
        self._file.drain()
        self._part.replace(self.path)
        self._finished = True
        _synchronise(self.path.parent)

    def _begin(self, earlier: Recording | None) -> None:
        """Write whose file it is, and what was recorded earlier."""
        self._writer.start(PROFILE, LIBRARY)
        about = {"format": str(FORMAT), "session": self.session_id, "run": self.run}
        self._writer.add_metadata(METADATA, about)
        if earlier is not None:
            self._take_up(earlier)
        self.flush()
        self._file.rename(self._part)

    def _take_up(self, earlier: Recording) -> None:
        for channel, message in earlier.raw():
            name = channel.topic
            if name not in self._channels:
                schema = earlier.written.summary.schemas[channel.schema_id]
                self._register(name, channel.metadata, schema.data)
            stream = name.removesuffix("/end")
            self._reached_ns[stream] = max(self._reached_ns[stream], message.log_time)
            self._seen.add((name, message.sequence, message.publish_time // NS_PER_MS))
            self._put(name, message.data, message.log_time, message.publish_time, message.sequence)
            if self._file.waiting > TAIL_BYTES:
                self._file.drain()

    def _register(self, name: str, about: dict[str, str], schema: bytes) -> None:
        kind = about["type"]
        if kind not in self._schemas:
            self._schemas[kind] = self._writer.register_schema(
                f"affectstream.{kind}", SCHEMA_ENCODING, schema
            )
        self._channels[name] = self._writer.register_channel(name, ENCODING, self._schemas[kind], about)

    def _put(self, name: str, data: bytes, log_ns: int, publish_ns: int, sequence: int) -> None:
        self._writer.add_message(self._channels[name], log_ns, data, publish_ns, sequence)


def is_begun(folder: Path, session_id: str, run: str) -> bool:
    """Say whether there is a file of a run, whole or not."""
    return _place(folder, session_id, run)[1] is not None


class _Tail(BytesIO):
    """The end of a file that is not on disk yet; between two drains the file is not open."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path, self._written = path, 0
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        self._file_number = os.fstat(file).st_ino
        os.close(file)

    def tell(self) -> int:
        """Return the position in the file."""
        return self._written + super().tell()

    @property
    def waiting(self) -> int:
        """Return the bytes that are not in the file yet."""
        return super().tell()

    def discard(self) -> None:
        """Delete the file, and with it the room that it takes."""
        self._path.unlink(missing_ok=True)

    def drain(self) -> None:
        """Append to the file what it lacks, durably; it is as before where that fails."""
        data = self.getvalue()
        if not data:
            return
        file = os.open(self._path, os.O_WRONLY)
        try:
            self._require_own(file)
            _append(file, data, self._written)
        finally:
            os.close(file)
        self._written += len(data)
        self.seek(0)
        self.truncate()

    def _require_own(self, file: int) -> None:
        """Raise TakenOver where the file is not as this process has left it."""
        found = os.fstat(file)
        if (found.st_ino, found.st_size) != (self._file_number, self._written):
            raise TakenOver(errno.ENOENT, "another recorder has gone on with it", str(self._path))

    def rename(self, path: Path) -> None:
        """Go on under another name, in the place of what has it."""
        self._path = self._path.replace(path)
        _synchronise(path.parent)


def _require_room(folder: Path, size: int) -> None:
    """Raise OSError at once where a file of that size cannot be copied."""
    if shutil.disk_usage(folder).free < size:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))


def _append(file: int, data: bytes, at: int) -> None:
    """Write and synchronise data at the end of a file; it is as before where that fails."""
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.pwrite(file, rest, at + len(data) - len(rest)) :]
        os.fsync(file)
    except OSError:
        os.ftruncate(file, at)
        raise


def _place(folder: Path, session_id: str, run: str) -> tuple[Path, Recording | None]:
    """Return where the recording of a run lies, and what is there of it."""
    for number in count(1):
        path = folder / f"{session_id}{f'{NEXT}{number}' if number > 1 else ''}{SUFFIX}"
        found = [each for each in (part_of(path), path) if each.exists()]
        readable = [earlier for each in found if (earlier := _readable(each))]
        if not readable and path not in found:
            return path, None
        if readable and readable[0].run == run:
            return path, readable[0]
    raise AssertionError("there is always another number")


def _readable(path: Path) -> Recording | None:
    try:
        return open_recording(path)
    except InputError:
        return None


def _synchronise(folder: Path) -> None:
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
