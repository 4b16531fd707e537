"""The recorder: sessions from their topics into files, one for each run of a session.

An offset is committed after what it stands for is on disk, so a recorder that was killed goes on where it
stopped, and takes up the files that it was writing. Where the disk is full it reads no further until there is
room. A recording goes by the consent to its session as every process does: nothing is written of one that may
not be processed, pauses are withheld, and the files of one that is withdrawn are deleted at once.
"""

import asyncio
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Protocol

import structlog

from affectstream.runtime import recordings
from affectstream.runtime.audit import AuditLog, audit_log
from affectstream.runtime.consent import Consents
from affectstream.runtime.health import Check, Health
from affectstream.runtime.kafka import Record, Subscriber, topics
from affectstream.runtime.kafka.publisher import partition_of
from affectstream.runtime.process import Stop
from affectstream.runtime.recording.record import RECORDED
from affectstream.runtime.retry import note_unavailable
from affectstream.runtime.settings import Settings
from affectstream.runtime.watchdog import Watchdog
from affectstream.schemas.codec import decoder
from affectstream.schemas.consent import withheld
from affectstream.schemas.due import Timed
from affectstream.schemas.errors import MessageError, NoRoom
from affectstream.schemas.messages import AudioChunk, Reason, Transcript, VideoFrame
from affectstream.schemas.policy import permits
from affectstream.schemas.topics import PARTITIONS, RECORD_GROUP
from affectstream.workers.recorded import Part, Scope
from affectstream.workers.recorded_files import RecordedFiles, folder_of

log = structlog.get_logger(__name__)

BATCH = 500
POLL_MS = 100  # how long a fetch waits for records: bounds the time until a stop or a withdrawal is seen
STUCK_S = 30.0  # without an answer to a fetch: not ready
FLUSH_S = 2.0  # what is not on disk yet is read again after a crash
TIDY_S = 60.0  # between two looks for files that a recorder which died has left behind
ROOM_MS = 500  # between two attempts to write to a full disk

Partition = tuple[str, int]


class Reads(Protocol):
    """What is needed of ``affectstream.runtime.kafka.Subscriber``."""

    async def get(self, max_records: int, timeout_ms: int) -> list[Record]:
        """Return what has arrived, or nothing after the timeout; 0: only show that this member lives."""

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
        partitions: int = PARTITIONS,
    ) -> None:
        self._folder, self._scope, self._consents = folder, scope, consents
        self._agent_purpose, self._partitions = agent_purpose, partitions
        self._files = RecordedFiles(folder, audit, scope.media, self._wait_for_room)
        self._decoders = {topic.name: decoder(topic.max_bytes, *topic.carries) for topic in RECORDED}
        self._offsets: dict[Partition, int] = {}  # the next to read, of what is not committed yet
        self._withdrawn: set[str] = set()
        self._lock = asyncio.Lock()  # a rebalance comes while records are written
        self._generation = self._read_in = 0  # how often partitions went; and that of what was read last
        self._forgotten = 0  # how often
        self._flushed_s = self._fetched_s = time.monotonic()
        self._tidied_s = float("-inf")
        consents.on_refused = self._withdrawn.add

    async def run(self, reads: Reads, stop: asyncio.Event, idle_s: float | None = None) -> None:
        """Record until ``stop`` is set, or nothing has come for ``idle_s``; then finish all files.

        Raises Unavailable where the folder cannot be written to, and where its disk is still full at the end:
        what was not written is read again by the next recorder.
        """
        self._reads, self._stop = reads, stop
        await self._consents.learn(recordings.sessions(self._folder))
        await self._remove_withdrawn()  # also what was withdrawn while nobody recorded
        received_s = time.monotonic()
        while not stop.is_set() and (idle_s is None or time.monotonic() - received_s < idle_s):
            records = await reads.get(BATCH, POLL_MS)
            self._fetched_s, self._read_in = time.monotonic(), self._generation
            try:
                await self.take(records)
                if time.monotonic() - self._flushed_s >= FLUSH_S:
                    await self.store(reads)
            except NoRoom:
                if stop.is_set():
                    raise
                self._forget()  # a rebalance: what was not written is read again
            received_s = time.monotonic() if records else received_s
        await self.release(reads, None)

    def idle_s(self) -> float:
        """Return the seconds since the broker last answered a fetch, with records or without."""
        return time.monotonic() - self._fetched_s

    def has_room(self) -> bool:
        """Say whether what is recorded finds room on the disk."""
        return self._files.room.there

    async def take(self, records: Sequence[Record]) -> None:
        """Add records to the files of their sessions."""
        async with self._lock:
            found = [(record, part) for record in records for part in self._parts(record)]
            await self._consents.learn({session for _, (session, *_) in found})
            await self._remove_withdrawn()
            if self._read_in != self._generation:
                return  # Redis was away for longer than a rebalance waits: they are read again
            forgotten = self._forgotten
            for record, (session_id, run, message) in found:
                if not self._consents.refuses(session_id):
                    await self._files.add(record, session_id, run, self._permitted(message))
                if forgotten != self._forgotten:
                    return self._forget()  # so was the disk: nothing of them is kept, they are read again
            for record in records:
                self._offsets[record.topic, record.partition] = record.offset + 1

    async def store(self, reads: Reads) -> None:
        """Write everything to disk, finish the files of sessions that are over, and commit."""
        async with self._lock:
            now_s = time.monotonic()
            await self._files.write(lambda each: each.over(now_s))
            await self._commit(reads)
            if now_s - self._tidied_s >= TIDY_S:
                held = {number for _, number in reads.assigned()}
                await self._files.finish_left_behind(
                    lambda session_id: partition_of(session_id, self._partitions) in held
                )
                self._tidied_s = now_s
        self._flushed_s = time.monotonic()

    async def release(self, reads: Reads, partitions: Collection[Partition] | None) -> None:
        """Finish the files of partitions that go to another member, or all of them, and commit.

        Where the disk is full the files of a member that goes on are left as they are: their records are read
        again by whoever has the partitions next.
        """
        numbers = None if partitions is None else {number for _, number in partitions}
        self._generation += 1
        try:
            async with self._lock:
                await self._files.write(lambda each: numbers is None or each.partition in numbers)
                await self._commit(reads)
        except (NoRoom, asyncio.CancelledError) as error:
            self._forget()
            if numbers is None or not isinstance(error, NoRoom):
                raise

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

    async def _commit(self, reads: Reads) -> None:
        if self._offsets:
            await reads.commit(self._offsets)
            self._offsets = {}

    def _forget(self) -> None:
        """Leave what is not on disk to whoever reads it again."""
        self._files.forget()
        self._offsets = {}
        self._forgotten += 1

    async def _wait_for_room(self, error: NoRoom) -> None:
        """Wait a moment as a member of the group; raises NoRoom once partitions go or the process stops."""
        if self._stop.is_set() or self._read_in != self._generation:
            raise error
        note_unavailable()
        await self._delete_withdrawn()
        await self._reads.get(0, ROOM_MS)
        self._fetched_s = time.monotonic()

    async def _delete_withdrawn(self) -> set[str]:
        """Delete the files of sessions whose consent was withdrawn; returns those that were looked at."""
        looked_at = set(self._withdrawn)
        for session_id in looked_at:
            if self._consents.standing(session_id).consent == "withdrawn":
                await self._files.delete(session_id)
        return looked_at

    async def _remove_withdrawn(self) -> None:
        """Delete the files of sessions whose consent was withdrawn, and note it in the audit log."""
        self._withdrawn -= await self._delete_withdrawn()
        await self._files.note_deleted()


async def serve(settings: Settings, scope: Scope, stop: Stop, idle_s: float | None = None) -> None:
    """Record until ``stop``; raises SettingsError without a folder, Unavailable without servers or disk."""
    folder, policy = folder_of(settings), settings.policy
    async with AsyncExitStack() as stack:
        partitions = await topics.check(settings.kafka)
        consents = await stack.enter_async_context(Consents(settings.redis, policy, stopping=stop))
        recorder = Recorder(folder, scope, consents, audit_log(policy), policy.agent_purpose, partitions)
        subscriber = Subscriber(
            settings.kafka, scope.topics(), RECORD_GROUP, lambda gone: recorder.release(subscriber, gone)
        )
        await stack.enter_async_context(subscriber)
        checks: dict[str, Check] = {
            "partitions": lambda: bool(subscriber.assigned()),
            "fetching": lambda: recorder.idle_s() < STUCK_S,
            "room": recorder.has_room,
        }
        own = settings.recorder
        await stack.enter_async_context(Health(own.health_port, checks, own.health_host))
        watchdog = Watchdog(settings.kafka, scope.topics(), RECORD_GROUP, subscriber.held)
        await stack.enter_async_context(watchdog)
        await recorder.run(subscriber, stop, idle_s)
