"""The recorder while Redis or its disk stands still: what is read again is recorded once."""

import asyncio
import threading

import pytest
from support.mcap_files import ARRIVED_MS, made_up_call

from affectstream.runtime.audit import NOTHING, AuditLog
from affectstream.runtime.kafka import Record
from affectstream.runtime.recording import open_recording
from affectstream.schemas.codec import encode
from affectstream.schemas.consent import Standing
from affectstream.schemas.messages import AudioChunk
from affectstream.schemas.topics import CHUNKS
from affectstream.workers.recorded import Scope
from affectstream.workers.recorder import Recorder

HELD = frozenset({(CHUNKS.name, 0)})
DEADLINE_S = 20
SOUND = [message for message in made_up_call(6) if isinstance(message, AudioChunk)]


def records(first, last):
    """The records of a call's sound from one offset to another."""
    return [Record(CHUNKS.name, 0, n, ARRIVED_MS + n, b"call", encode(SOUND[n])) for n in range(first, last)]


class Permitted:
    """Consents under which everything may be recorded, as far as Redis is there to say so."""

    on_refused = None

    def __init__(self):
        self.asked, self.redis = asyncio.Event(), asyncio.Event()
        self.redis.set()

    async def learn(self, session_ids):
        """Wait for Redis."""
        self.asked.set()
        await self.redis.wait()

    def refuses(self, session_id):
        return False

    def withholds(self, message):
        return None

    def standing(self, session_id):
        return Standing()


class Reads:
    """A member of a group that is handed batches by the test."""

    def __init__(self):
        self.batches = asyncio.Queue()
        self.committed = {}

    async def get(self, max_records, timeout_ms):
        """Return the next batch; nothing after the timeout."""
        try:
            return await asyncio.wait_for(self.batches.get(), timeout_ms / 1000)
        except TimeoutError:
            return []

    def assigned(self):
        return set(HELD)

    async def commit(self, offsets):
        self.committed |= offsets


async def until(true):
    async with asyncio.timeout(DEADLINE_S):
        while not true():
            await asyncio.sleep(0.01)


async def read_again(reads, stop, running):
    """Have the recorder read six records from what is committed, which is nothing, and end it."""
    reads.batches.put_nowait(records(0, 6))
    await until(reads.batches.empty)
    stop.set()
    await running


def kept(folder):
    return [each.offset for each in open_recording(folder / "call.mcap").messages([CHUNKS])]


async def test_what_waits_for_consent_through_a_rebalance_is_recorded_once(tmp_path):
    consents, reads, stop = Permitted(), Reads(), asyncio.Event()
    recorder = Recorder(tmp_path, Scope(), consents, AuditLog(tmp_path / "audit.jsonl"))
    running = asyncio.create_task(recorder.run(reads, stop))
    await until(consents.asked.is_set)
    consents.redis.clear()
    consents.asked.clear()
    reads.batches.put_nowait(records(0, 3))
    await until(lambda: reads.batches.empty() and consents.asked.is_set())
    with pytest.raises(TimeoutError):  # the group does not wait for ever
        await asyncio.wait_for(recorder.release(reads, HELD), 0.05)
    consents.redis.set()
    await read_again(reads, stop, running)
    assert reads.committed == {(CHUNKS.name, 0): 6}
    assert kept(tmp_path) == [0, 1, 2, 3, 4, 5]


class Slow(AuditLog):
    """An audit log on a disk that stands still until the test lets it go on."""

    def __init__(self, path):
        super().__init__(path)
        self.asked, self.goes_on = threading.Event(), threading.Event()

    def append(self, *entry, **detail):
        self.asked.set()
        assert self.goes_on.wait(DEADLINE_S)
        super().append(*entry, **detail)


async def test_what_waits_for_a_disk_through_a_rebalance_is_recorded_once(tmp_path):
    consents, reads, stop, audit = Permitted(), Reads(), asyncio.Event(), Slow(tmp_path / "audit.jsonl")
    recorder = Recorder(tmp_path, Scope(), consents, audit)
    running = asyncio.create_task(recorder.run(reads, stop))
    reads.batches.put_nowait(records(0, 3))
    await until(audit.asked.is_set)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(recorder.release(reads, HELD), 0.05)
    audit.goes_on.set()
    await read_again(reads, stop, running)
    assert reads.committed == {(CHUNKS.name, 0): 6}
    assert kept(tmp_path) == [0, 1, 2, 3, 4, 5]


class Witness(AuditLog):
    """An audit log that looks for files of a session whenever something is noted of it."""

    files = ()

    def append(self, did, session="", by="", detail=NOTHING):
        self.files += ((did, sorted(path.name for path in self.path.parent.glob(f"{session}.*"))),)
        super().append(did, session, by, detail)


async def test_that_a_recording_begins_is_noted_before_its_file_is_there_and_once(tmp_path):
    audit = Witness(tmp_path / "audit.jsonl")
    for first, last in ((0, 3), (3, 6)):  # the second recorder takes the file up
        reads, stop = Reads(), asyncio.Event()
        reads.batches.put_nowait(records(first, last))
        recorder = Recorder(tmp_path, Scope(), Permitted(), audit)
        running = asyncio.create_task(recorder.run(reads, stop))
        await until(reads.batches.empty)
        stop.set()
        await running
    assert audit.files == (("recording begun", []),)
    assert open_recording(tmp_path / "call.mcap").whole
