"""The files that a recorder writes, on a disk that may be full: begun, written, finished, deleted."""

import asyncio
import shutil
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Collection
from pathlib import Path

import structlog

from affectstream.runtime import metrics, recordings
from affectstream.runtime.audit import AuditLog
from affectstream.runtime.disk import Room, recording_to
from affectstream.runtime.kafka import Record
from affectstream.runtime.recording import open_recording
from affectstream.runtime.recording.writer import RecordingWriter, TakenOver, is_begun
from affectstream.runtime.settings import Settings
from affectstream.schemas.audit import Detail, Did
from affectstream.schemas.codec import encode
from affectstream.schemas.due import Timed
from affectstream.schemas.errors import InputError, NoRoom, SettingsError
from affectstream.workers.recorded import IDLE_S, OpenFile

log = structlog.get_logger(__name__)

LEFT_S = 2 * IDLE_S  # a file that nobody has written to for so long is nobody's

Wait = Callable[[NoRoom], Awaitable[None]]
"""What is done between two attempts to write to a full disk; raises NoRoom where it is not waited for."""


class RecordedFiles:
    """The files of a folder that are being written, each of one run of a session.

    Whatever is written is tried again while the disk is full, as long as ``wait`` does not raise.
    """

    def __init__(
        self,
        folder: Path,
        audit: AuditLog,
        media: bool,
        wait: Wait,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder, self._audit, self._media = folder, audit, media
        self._wait, self._now_s = wait, now_s
        self._open: dict[tuple[str, str], OpenFile] = {}
        self._noted: set[tuple[str, str]] = set()  # runs in the audit log whose file is still to be made
        self._deleted: Counter[str] = Counter()  # files by session, of which the audit log does not know yet
        self.room = Room(folder)

    async def add(self, record: Record, session_id: str, run: str, message: Timed) -> None:
        """Add what a record holds of a run; begins its file, or takes it up."""
        key = session_id, run
        if key not in self._open:
            self._open[key] = await self._begun(session_id, run, record.partition)
        each = self._open[key]
        if each.writer.add(record.topic, message, encode(message), record.timestamp_ms, record.offset):
            each.note(message, self._now_s())
            metrics.RECORDED.labels(record.topic).inc()

    async def write(self, over: Callable[[OpenFile], bool]) -> None:
        """Write what is not on disk, and finish the files that are over."""

        async def attempt() -> None:
            finished = {key: each for key, each in self._open.items() if over(each)}
            others = [each for key, each in self._open.items() if each.unflushed and key not in finished]
            with recording_to(self._folder):
                gone = await asyncio.to_thread(write_files, others, list(finished.values()))
            self._open = {k: each for k, each in self._open.items() if k not in finished and each not in gone}
            metrics.RECORDINGS_OPEN.set(len(self._open))
            metrics.DISK_FREE.set(shutil.disk_usage(self._folder).free)

        await self.room.wait_for(attempt, self._wait)

    def forget(self) -> None:
        """Leave the files as they are on disk, for whoever reads their records again."""
        self._open.clear()
        metrics.RECORDINGS_OPEN.set(0)

    async def delete(self, session_id: str) -> None:
        """Delete the files of a session."""
        for key in [key for key in self._open if key[0] == session_id]:
            del self._open[key]
        with recording_to(self._folder):
            files = await asyncio.to_thread(recordings.delete, self._folder, session_id)
        if files:
            self._deleted[session_id] += files
            log.info("recording_removed", session=session_id, files=files)

    async def note_deleted(self) -> None:
        """Note in the audit log what was deleted."""
        for session_id in list(self._deleted):
            await self._note("recording removed", session_id, {"files": self._deleted[session_id]})
            del self._deleted[session_id]

    async def finish_left_behind(self, mine: Callable[[str], bool]) -> None:
        """Finish files whose recorder died after the last record of their session, where that is ``mine``."""
        known = {each.writer.path for each in self._open.values()}
        try:
            with recording_to(self._folder):
                await asyncio.to_thread(_finish_left_behind, self._folder, mine, known)
        except NoRoom as error:
            log.warning("recording_not_finished", why=str(error))

    async def _begun(self, session_id: str, run: str, partition: int) -> OpenFile:
        async def attempt() -> RecordingWriter:
            with recording_to(self._folder):
                return await asyncio.to_thread(RecordingWriter, self._folder, session_id, run)

        await self._note_begun(session_id, run)
        writer = await self.room.wait_for(attempt, self._wait)
        self._noted.discard((session_id, run))
        log.info("recording", session=session_id, run=run, file=writer.path.name, continued=not writer.is_new)
        return OpenFile(writer, partition, self._now_s())

    async def _note_begun(self, session_id: str, run: str) -> None:
        """Note in the audit log that a file begins, before it does: no crash leaves one that is not noted."""
        with recording_to(self._folder):
            there = await asyncio.to_thread(is_begun, self._folder, session_id, run)
        if not there and (session_id, run) not in self._noted:
            await self._note("recording begun", session_id, {"media": "yes" if self._media else "no"})
            self._noted.add((session_id, run))

    async def _note(self, did: Did, session_id: str, detail: Detail) -> None:
        async def attempt() -> None:
            await asyncio.to_thread(self._audit.append, did, session_id, detail=detail)

        await self.room.wait_for(attempt, self._wait)


def folder_of(settings: Settings) -> Path:
    """Return the folder that is recorded to, made where it is missing; raises SettingsError, Unavailable."""
    if settings.policy.recordings is None:
        raise SettingsError(
            "name the folder of recordings: policy.recordings, in the environment AFFECT_POLICY__RECORDINGS; "
            "reads of it are audited, and `affectstream purge` deletes what is in it"
        )
    folder = settings.policy.recordings.expanduser()
    with recording_to(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def write_files(unflushed: Collection[OpenFile], finished: Collection[OpenFile]) -> list[OpenFile]:
    """Write and finish files; returns those that are gone: deleted, or taken over after a rebalance."""
    gone = []
    for each in [*unflushed, *finished]:
        try:
            if each in finished:
                each.writer.finish()
            else:
                each.writer.flush()
                each.unflushed = 0
        except FileNotFoundError as error:
            event = "recording_was_taken_over" if isinstance(error, TakenOver) else "recording_was_deleted"
            log.warning(event, session=each.writer.session_id, run=each.writer.run)
            gone.append(each)
    return gone


def _finish_left_behind(folder: Path, mine: Callable[[str], bool], known: Collection[Path]) -> None:
    """Finish the files of a folder that nobody writes; one that cannot be read stays as it is."""
    for part in folder.glob(f"*{recordings.SUFFIX}{recordings.PART}"):
        session_id = recordings.session_of(part.name)
        path = part.with_name(part.name.removesuffix(recordings.PART))
        if session_id is None or path in known or not mine(session_id):
            continue
        try:
            if time.time() - part.stat().st_mtime < LEFT_S:
                continue
            run = open_recording(part).run
            RecordingWriter(folder, session_id, run).finish()
        except (InputError, FileNotFoundError) as error:
            log.warning("recording_not_finished", session=session_id, why=str(error))
        else:
            log.info("recording_finished_late", session=session_id, run=run)
