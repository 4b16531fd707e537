"""The recorder: sessions from their topics into files, one for each run of a session.

An offset is committed after what it stands for is on disk, so a recorder that was killed goes on where it
stopped, and takes up the files that it was writing. A recording goes by the consent to its session as every
process does: nothing is written of one that may not be processed, pauses are withheld, and the files of one
that is withdrawn are deleted at once.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Protocol

import structlog

from affectstream.runtime import metrics, recordings
from affectstream.runtime.audit import AuditLog, audit_log
from affectstream.runtime.consent import Consents
from affectstream.runtime.consent_store import remove_recordings
from affectstream.runtime.health import Check, Health
from affectstream.runtime.kafka import Record, Subscriber, topics
from affectstream.runtime.process import Stop
from affectstream.runtime.recording.record import RECORDED
from affectstream.runtime.recording.writer import RecordingWriter
from affectstream.runtime.settings import Settings
from affectstream.runtime.watchdog import Watchdog
from affectstream.schemas.codec import decoder, encode
from affectstream.schemas.consent import withheld
from affectstream.schemas.due import Timed
from affectstream.schemas.errors import MessageError, SettingsError, Unavailable
from affectstream.schemas.messages import AudioChunk, Reason, Transcript, VideoFrame
from affectstream.schemas.policy import permits
from affectstream.schemas.topics import RECORD_GROUP
from affectstream.workers.recorded import OpenFile, Part, Scope, write_files

log = structlog.get_logger(__name__)

BATCH = 500
POLL_MS = 100  # how long a fetch waits for records: bounds the time until a stop or a withdrawal is seen
STUCK_S = 30.0  # without an answer to a fetch: not ready
FLUSH_S = 2.0  # what is not on disk yet is read again after a crash

Partition = tuple[str, int]


class Reads(Protocol):
    """What is needed of ``affectstream.runtime.kafka.Subscriber``."""

    async def get(self, max_records: int, timeout_ms: int) -> list[Record]:
        """Return what has arrived; empty after the timeout."""

    def assigned(self) -> set[Partition]:
        """Return the partitions held now."""

    async def commit(self, offsets: Mapping[Partition, int]) -> None:
        """Commit the next offset to read per partition."""


class Recorder:
    """Writes the files of a folder; one process or one member of a group, each with partitions of its own."""

    def __init__(
        self,
        folder: Path,
        scope: Scope,
        consents: Consents,
        audit: AuditLog,
        agent_purpose: str | None = None,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder, self._scope, self._consents, self._audit = folder, scope, consents, audit
        self._agent_purpose, self._now_s = agent_purpose, now_s
        self._decoders = {topic.name: decoder(topic.max_bytes, *topic.carries) for topic in RECORDED}
        self._open: dict[tuple[str, str], OpenFile] = {}
        self._offsets: dict[Partition, int] = {}  # the next to read, of what is not committed yet
        self._withdrawn: set[str] = set()
        self._lock = asyncio.Lock()  # a rebalance comes while records are written
        self._flushed_s = self._fetched_s = now_s()
        consents.on_refused = self._withdrawn.add

    async def run(self, reads: Reads, stop: asyncio.Event, idle_s: float | None = None) -> None:
        """Record until ``stop`` is set, or nothing has come for ``idle_s``; then finish all files.

        Raises Unavailable where the disk is full: what was not written is read again by the next recorder.
        """
        await self._consents.learn(recordings.sessions(self._folder))
        await self._remove_withdrawn()  # also what was withdrawn while nobody recorded
        received_s = self._now_s()
        while not stop.is_set() and (idle_s is None or self._now_s() - received_s < idle_s):
            records = await reads.get(BATCH, POLL_MS)
            self._fetched_s = self._now_s()
            received_s = self._fetched_s if records else received_s
            mine = reads.assigned()  # a rebalance may have come since
            await self.take([each for each in records if (each.topic, each.partition) in mine])
            if self._now_s() - self._flushed_s >= FLUSH_S:
                await self.store(reads)
        await self.release(reads, None)

    def idle_s(self) -> float:
        """Return the seconds since the broker last answered a fetch, with records or without."""
        return self._now_s() - self._fetched_s

    async def take(self, records: Sequence[Record]) -> None:
        """Add records to the files of their sessions."""
        async with self._lock:
            found = [(record, part) for record in records for part in self._parts(record)]
            await self._consents.learn({session for _, (session, *_) in found})
            await self._remove_withdrawn()
            for record, (session_id, run, message) in found:
                if not self._consents.refuses(session_id):
                    await self._add(record, session_id, run, self._permitted(message))
            for record in records:
                self._offsets[record.topic, record.partition] = record.offset + 1

    async def store(self, reads: Reads) -> None:
        """Write everything to disk, finish the files of sessions that are over, and commit."""
        async with self._lock:
            now_s = self._now_s()
            over = [key for key, each in self._open.items() if each.over(now_s)]
            await self._write(over)
            await self._commit(reads)
        self._flushed_s = self._now_s()

    async def release(self, reads: Reads, partitions: Collection[Partition] | None) -> None:
        """Finish the files of partitions that go to another member, or all of them, and commit."""
        numbers = None if partitions is None else {number for _, number in partitions}
        async with self._lock:
            mine = [k for k, each in self._open.items() if numbers is None or each.partition in numbers]
            await self._write(mine)
            await self._commit(reads)

    def _parts(self, record: Record) -> Iterator[Part]:
        try:
            message = self._decoders[record.topic](record.value)
        except MessageError as error:
            where = {"topic": record.topic, "partition": record.partition, "offset": record.offset}
            log.warning("not_recorded", why=str(error), **where)
        else:
            yield from self._scope.parts(record, message)

    def _permitted(self, message: Timed) -> Timed:
        """Return a message, its media withheld where it may not be kept."""
        if not isinstance(message, VideoFrame | AudioChunk | Transcript):
            return message
        reason = self._consents.withholds(message)
        if not permits(message.party, self._agent_purpose):
            reason = Reason.NOT_PERMITTED
        return message if reason is None or message.withheld else withheld(message, reason)

    async def _add(self, record: Record, session_id: str, run: str, message: Timed) -> None:
        key = session_id, run
        if key not in self._open:
            self._open[key] = await self._begin(session_id, run, record.partition)
        each = self._open[key]
        at = record.timestamp_ms, record.offset
        with _disk(self._folder):
            added = each.writer.add(record.topic, message, encode(message), *at)
        if added:
            each.note(message, self._now_s())
            metrics.RECORDED.labels(record.topic).inc()

    async def _begin(self, session_id: str, run: str, partition: int) -> OpenFile:
        with _disk(self._folder):
            writer = await asyncio.to_thread(RecordingWriter, self._folder, session_id, run)
        if writer.is_new:
            detail = {"media": "yes" if self._scope.media else "no"}
            await asyncio.to_thread(self._audit.append, "recording begun", session_id, detail=detail)
        log.info("recording", session=session_id, run=run, file=writer.path.name, continued=not writer.is_new)
        return OpenFile(writer, partition, self._now_s())

    async def _write(self, over: Collection[tuple[str, str]]) -> None:
        """Write what is not on disk, and finish the files of ``over``."""
        finished = [self._open[key] for key in over]
        others = [each for key, each in self._open.items() if each.unflushed and key not in over]
        with _disk(self._folder):
            gone = await asyncio.to_thread(write_files, others, finished)
        self._open = {k: each for k, each in self._open.items() if k not in over and each not in gone}
        metrics.RECORDINGS_OPEN.set(len(self._open))

    async def _commit(self, reads: Reads) -> None:
        if self._offsets:
            await reads.commit(self._offsets)
            self._offsets = {}

    async def _remove_withdrawn(self) -> None:
        """Delete the files of sessions whose consent was withdrawn."""
        while self._withdrawn:
            session_id = self._withdrawn.pop()
            if self._consents.standing(session_id).consent != "withdrawn":
                continue
            for key in [key for key in self._open if key[0] == session_id]:
                del self._open[key]
            with _disk(self._folder):
                await asyncio.to_thread(remove_recordings, self._folder, session_id, self._audit)


@contextmanager
def _disk(folder: Path) -> Iterator[None]:
    """Raise Unavailable where nothing can be written to a folder."""
    try:
        yield
    except OSError as error:
        raise Unavailable(
            f"recording to {folder}: {error.strerror or error}; what is on disk stays readable, the rest is "
            "read again: make room and start the recorder again"
        ) from None


def folder_of(settings: Settings) -> Path:
    """Return the folder that is recorded to, made where it is missing; raises SettingsError, Unavailable."""
    if settings.policy.recordings is None:
        raise SettingsError(
            "name the folder of recordings: policy.recordings, in the environment AFFECT_POLICY__RECORDINGS; "
            "reads of it are audited, and `affectstream purge` deletes what is in it"
        )
    folder = settings.policy.recordings.expanduser()
    with _disk(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


async def serve(settings: Settings, scope: Scope, stop: Stop, idle_s: float | None = None) -> None:
    """Record until ``stop``; raises SettingsError without a folder, Unavailable without servers or disk."""
    folder, policy = folder_of(settings), settings.policy
    async with AsyncExitStack() as stack:
        await topics.check(settings.kafka)
        consents = await stack.enter_async_context(Consents(settings.redis, policy, stopping=stop))
        recorder = Recorder(folder, scope, consents, audit_log(policy), policy.agent_purpose)
        subscriber = Subscriber(
            settings.kafka, scope.topics(), RECORD_GROUP, lambda gone: recorder.release(subscriber, gone)
        )
        await stack.enter_async_context(subscriber)
        checks: dict[str, Check] = {
            "partitions": lambda: bool(subscriber.assigned()),
            "fetching": lambda: recorder.idle_s() < STUCK_S,
        }
        own = settings.recorder
        await stack.enter_async_context(Health(own.health_port, checks, own.health_host))
        watchdog = Watchdog(settings.kafka, scope.topics(), RECORD_GROUP, subscriber.held)
        await stack.enter_async_context(watchdog)
        await recorder.run(subscriber, stop, idle_s)
