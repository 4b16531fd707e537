"""A fusion agent between a fake source and fake sinks, which take note of what is done in which order."""

import asyncio
import contextlib
from types import SimpleNamespace

from support.joining import fusion
from support.observations import ended, observed

from affectstream.runtime.kafka.lag import ConsumerProgress
from affectstream.schemas.codec import decode, encode
from affectstream.schemas.errors import Unavailable
from affectstream.schemas.keys import Runs
from affectstream.schemas.messages import DeadLetter, Observations
from affectstream.schemas.topics import FUSED
from affectstream.workers.fusion.agent import FusionAgent
from affectstream.workers.fusion.sink import Sink
from affectstream.workers.fusion.stalls import LagWatch


class Journal:
    """What the agent did to the outside world, in order; the fakes write it."""

    def __init__(self):
        self.events = []

    def of(self, *kinds):
        return [event for event in self.events if event[0] in kinds]

    async def until(self, condition):
        async with asyncio.timeout(20):
            while not condition():
                await asyncio.sleep(0)


class FakePublisher:
    def __init__(self, journal):
        self.journal = journal

    async def send_many(self, messages):
        assert all(isinstance(message, DeadLetter) for message in messages)
        self.journal.events += [("letter", message) for message in messages]

    async def send_encoded(self, topic, partition, rows):
        assert topic is FUSED
        self.journal.events += [("topic", decode(value, FUSED.max_bytes)) for _, value, *_ in rows]


class FakeStore:
    def __init__(self, journal, failures=0):
        self.journal, self.failures = journal, failures
        self.places, self.set, self.runs = {}, {}, {}
        self.hold = asyncio.Event()
        self.hold.set()

    async def newest_of(self, parties):
        return [self.places.get(party) for party in parties]

    async def runs_of(self, sessions):
        kept = {sid for sid, _ in self.places}
        return [self.runs.get(sid, Runs("" if sid in kept else None)) for sid in sessions]

    async def begin_runs(self, begun):
        self.journal.events.append(("begun", dict(begun)))

    async def trust(self):
        return dict(self.set)

    async def saw_trust(self, trust, by):
        self.journal.events.append(("saw", trust))

    @property
    def writer(self):
        return self

    async def write(self, panes):
        await self.hold.wait()
        if self.failures:
            self.failures -= 1
            raise Unavailable("no Redis")
        self.journal.events += [("redis", decode(pane.packed, FUSED.max_bytes)) for pane in panes]


class FakeSource:
    def __init__(self, journal):
        self.journal, self.log_ends = journal, {}

    async def commit(self, offsets):
        self.journal.events.append(("commit", offsets[0]))

    def ends(self):
        return self.log_ends


class FakeMeter:
    def __init__(self):
        self.behind = 0

    async def progress(self, readers):
        return {reader: {0: ConsumerProgress(10, 10 - self.behind)} for reader in readers}


class Rig:
    """An agent among fakes, and records for it."""

    def __init__(self, stall_ms=10_000, failures=0, gap_is_fatal=False):
        self.journal = Journal()
        self.store, self.source = FakeStore(self.journal, failures), FakeSource(self.journal)
        self.meter = FakeMeter()
        self.agent = FusionAgent(
            fusion(stall_ms=stall_ms),
            self.store,
            Sink(FakePublisher(self.journal), self.store),
            LagWatch(self.meter, stall_ms),
            self.source,
            gap_is_fatal,
        )
        self.offset = -1

    async def feed(self, *items, value=None, offset=None):
        self.offset = self.offset + 1 if offset is None else offset
        value = encode(Observations(items=items)) if value is None else value
        message = SimpleNamespace(
            topic="affect.probabilities",
            partition=0,
            offset=self.offset,
            timestamp=1000,
            timestamp_type=0,
            key=None,
            value=value,
        )
        await self.agent.receive({0: [message]})


@contextlib.asynccontextmanager
async def running(rig):
    stop = asyncio.Event()
    task = asyncio.create_task(rig.agent.run(stop))
    yield task
    stop.set()
    async with asyncio.timeout(20):
        await task


def frame(at_ms, expects=("video",)):
    return observed("video", at_ms, at_ms, expects=expects)


def end(at_ms):
    return ended("video", at_ms, at_ms, expects=("video",))


def committed(rig):
    """Return the newest offset committed."""
    return max((offset for _, offset in rig.journal.of("commit")), default=None)
