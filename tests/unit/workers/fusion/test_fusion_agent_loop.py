"""The agent between faust and its sinks: what is done before a record is acknowledged, and what undoes it."""

import asyncio
import contextlib
from types import SimpleNamespace

import pytest

from affectstream.models.fusion.choose import rule_named
from affectstream.runtime.kafka.lag import Standing
from affectstream.runtime.store import Newest
from affectstream.schemas.codec import decode, encode
from affectstream.schemas.errors import Unavailable
from affectstream.schemas.messages import DeadLetter, EndOfStream, FusedEmotion, Observations, Probabilities
from affectstream.workers.fusion.agent import FusionAgent
from affectstream.workers.fusion.engine import Config, Engine
from affectstream.workers.fusion.outlet import Outlet
from affectstream.workers.fusion.watch import Watch

HAPPY = (0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0)


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

    async def send(self, message, *, partition=None):
        kind = "letter" if isinstance(message, DeadLetter) else "topic"
        self.journal.events.append((kind, message))
        done = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done


class FakeStore:
    def __init__(self, journal, failures=0):
        self.journal, self.failures = journal, failures
        self.places, self.set = {}, {}
        self.hold = asyncio.Event()
        self.hold.set()

    async def newest(self, session_id, party):
        return self.places.get((session_id, party))

    async def trust(self):
        return dict(self.set)

    async def saw_trust(self, trust, by):
        self.journal.events.append(("saw", trust))

    async def write(self, panes):
        await self.hold.wait()
        if self.failures:
            self.failures -= 1
            raise Unavailable("no Redis")
        self.journal.events += [("redis", pane) for pane in panes]


class FakeBroker:
    def __init__(self, journal):
        self.journal, self.log_ends = journal, {}

    def ack(self, message):
        self.journal.events.append(("ack", message.offset))

    def ends(self):
        return self.log_ends


class FakeMeter:
    def __init__(self):
        self.behind = 0

    async def standings(self, topic, group):
        return {0: Standing(10, 10 - self.behind)}


class Rig:
    """An agent among fakes, and records for it."""

    def __init__(self, stall_ms=10_000, failures=0, gap_is_fatal=False):
        self.journal = Journal()
        self.store, self.broker = FakeStore(self.journal, failures), FakeBroker(self.journal)
        self.meter = FakeMeter()
        config = Config(1000, stall_ms)
        self.agent = FusionAgent(
            lambda: Engine(config, rule_named("entropy_trust"), {}),
            self.store,
            Outlet(FakePublisher(self.journal), self.store),
            Watch(self.meter, stall_ms),
            self.broker,
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
            timestamp=1.0,
            key=None,
            value=value,
        )
        await self.agent.receive(message)


@contextlib.asynccontextmanager
async def running(rig):
    stop = asyncio.Event()
    task = asyncio.create_task(rig.agent.run(stop))
    yield task
    stop.set()
    async with asyncio.timeout(20):
        await task


def frame(at_ms, expects=("video",)):
    return Probabilities(
        session_id="call",
        party="customer",
        modality="video",
        seq=at_ms,
        start_ms=at_ms,
        end_ms=at_ms,
        settled_ms=at_ms + 1,
        expects=expects,
        p=HAPPY,
        quality=1.0,
        model_id="m",
    )


def end(at_ms):
    times = {"start_ms": at_ms, "end_ms": at_ms, "settled_ms": at_ms}
    whose = {"session_id": "call", "party": "customer", "modality": "video", "expects": ("video",)}
    return EndOfStream(**whose, **times, seq=at_ms)


def acked(rig):
    return [offset for _, offset in rig.journal.of("ack")]


async def test_a_record_is_acknowledged_after_the_topic_and_redis_have_its_final():
    rig = Rig()
    async with running(rig):
        await rig.feed(frame(0))
        await rig.feed(frame(1000))
        await rig.journal.until(lambda: acked(rig) == [0])
        await rig.feed(end(1500))
        await rig.journal.until(lambda: acked(rig) == [0, 1, 2])
    kinds = [kind for kind, _ in rig.journal.events]
    assert kinds.index("topic") < kinds.index("redis") < kinds.index("ack")
    assert [pane.start_ms for _, pane in rig.journal.of("redis")] == [0, 1000]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        pytest.param(b"\xc1 garbage", "malformed", id="garbage"),
        pytest.param(b"", "malformed", id="nothing"),
        pytest.param(b"\x00" * (1 << 20), "too_large", id="oversized"),
        pytest.param(encode(Observations(items=(frame(0),)))[:-3], "malformed", id="truncated"),
        pytest.param(
            encode(Observations(items=(frame(0),))).replace(b"\xa1v\x01", b"\xa1v\x07"),
            "wrong_version",
            id="v7",
        ),
        pytest.param(encode(end(0)), "malformed", id="another topic's message"),
    ],
)
async def test_what_cannot_be_read_goes_to_the_dead_letters_and_the_next_record_is_read(value, reason):
    rig = Rig()
    async with running(rig):
        await rig.feed(value=value)
        await rig.feed(frame(0), end(500))
        await rig.journal.until(lambda: acked(rig) == [0, 1])
    ((_, letter),) = rig.journal.of("letter")
    assert (letter.reason, letter.offset, letter.body_size) == (reason, 0, len(value))
    assert len(rig.journal.of("redis")) == 1


async def test_a_party_goes_on_from_its_place_in_the_store():
    rig = Rig()
    rig.store.places["call", "customer"] = Newest(1000, None)
    async with running(rig):
        await rig.feed(frame(0), frame(1000))
        await rig.feed(frame(2000))
        await rig.journal.until(lambda: acked(rig) == [0])
    assert [pane.start_ms for _, pane in rig.journal.of("redis")] == [1000]


async def test_a_party_goes_on_from_the_final_in_the_store():
    whole = Rig()
    async with running(whole):
        await whole.feed(frame(0), frame(1000), frame(2000), end(2500))
        await whole.journal.until(lambda: acked(whole) == [0])
    (_, first), *rest = whole.journal.of("redis")
    resumed = Rig()
    resumed.store.places["call", "customer"] = Newest(first.end_ms, first)
    async with running(resumed):
        await resumed.feed(frame(0), frame(1000), frame(2000), end(2500))
        await resumed.journal.until(lambda: acked(resumed) == [0])
    assert resumed.journal.of("redis") == rest
    assert rest[0][1].shown_since_ms == 0


async def test_a_redis_that_is_away_is_waited_for():
    rig = Rig(failures=1)
    async with running(rig):
        await rig.feed(frame(0), end(500))
        await rig.journal.until(lambda: acked(rig) == [0])
    assert len(rig.journal.of("redis")) == 1


async def test_nothing_is_acknowledged_for_a_partition_that_went_while_its_finals_were_written():
    rig = Rig()
    rig.store.hold.clear()
    async with running(rig):
        await rig.feed(frame(0), end(500))
        await rig.journal.until(lambda: rig.journal.of("topic"))
        rig.agent.revoked()
        rig.store.hold.set()
        await rig.feed(frame(5000), frame(6000), offset=7)
        await rig.journal.until(lambda: len(rig.journal.of("redis")) == 2)
    assert acked(rig) == []


async def test_records_received_before_a_rebalance_are_forgotten():
    rig = Rig()
    await rig.feed(frame(0), end(500))
    rig.agent.revoked()
    async with running(rig):
        await rig.feed(frame(1000), end(1500), offset=0)
        await rig.journal.until(lambda: acked(rig) == [0])
    assert [pane.start_ms for _, pane in rig.journal.of("redis")] == [1000]


async def test_a_record_that_faust_reads_twice_counts_once():
    rig = Rig()
    async with running(rig):
        await rig.feed(frame(0), offset=4)
        await rig.feed(frame(0), offset=4)
        await rig.feed(end(500), offset=5)
        await rig.journal.until(lambda: acked(rig) == [4, 5])


async def test_a_gap_in_the_embedded_broker_is_an_error():
    rig = Rig(gap_is_fatal=True)
    await rig.feed(frame(0), offset=0)
    await rig.feed(frame(1), offset=3)
    with pytest.raises(Unavailable, match="dropped 2 records"):
        await rig.agent.run(asyncio.Event())


async def test_an_operators_trust_is_learned_and_recorded():
    rig = Rig()
    rig.store.set = {"video": 0.5}
    async with running(rig):
        await rig.feed(frame(0), end(500))
        await rig.journal.until(lambda: acked(rig) == [0])
    ((_, final),) = rig.journal.of("topic")
    assert final.rule == "entropy_trust+override"
    assert final.modalities[0].trust == 0.5
    assert rig.journal.of("saw") == [("saw", {"video": 0.5})]


async def test_an_operators_trust_takes_effect_within_a_window():
    rig = Rig()
    rig.agent._trust_every_ms = 0  # every look is a window later
    async with running(rig):
        await rig.feed(frame(0), frame(1000))
        await rig.journal.until(lambda: len(rig.journal.of("redis")) == 1)
        rig.store.set = {"video": 0.25}
        await rig.feed(frame(2000))
        await rig.journal.until(lambda: len(rig.journal.of("redis")) == 2)
        rig.store.set = {}
        await rig.feed(frame(3000))
        await rig.journal.until(lambda: len(rig.journal.of("redis")) == 3)
    assert [pane.modalities[0].trust for _, pane in rig.journal.of("redis")] == [1.0, 0.25, 1.0]


async def test_a_log_of_trust_that_cannot_be_written_keeps_no_trust_from_taking_effect():
    rig = Rig()
    rig.store.set = {"video": 0.5}

    async def refuse(trust, by):
        raise Unavailable("read only")

    rig.store.saw_trust = refuse
    async with running(rig):
        await rig.feed(frame(0), end(500))
        await rig.journal.until(lambda: acked(rig) == [0])
    assert rig.journal.of("topic")[0][1].modalities[0].trust == 0.5


async def test_a_party_that_fell_silent_is_let_go_unless_its_input_lags():
    rig = Rig(stall_ms=200)
    rig.meter.behind = 1
    rig.broker.log_ends = {0: 1}
    async with running(rig):
        await rig.feed(frame(0))
        looks = _counting(rig)
        await rig.journal.until(lambda: looks() > 10)
        assert acked(rig) == []
        rig.meter.behind = 0
        await rig.journal.until(lambda: acked(rig) == [0])
    assert [pane.pane for _, pane in rig.journal.of("redis")] == ["final"]


def _counting(rig):
    """Count the questions about lag."""
    asked, original = [], rig.meter.standings

    async def standings(topic, group):
        asked.append(topic)
        return await original(topic, group)

    rig.meter.standings = standings
    return lambda: len(asked)


async def test_a_late_observation_goes_to_the_dead_letters_alone():
    rig = Rig(stall_ms=200)
    rig.broker.log_ends = {0: 1}
    async with running(rig):
        await rig.feed(frame(0))
        await rig.journal.until(lambda: acked(rig) == [0])
        await rig.feed(frame(500), frame(1000))
        await rig.journal.until(lambda: rig.journal.of("letter"))
    ((_, letter),) = rig.journal.of("letter")
    assert (letter.reason, letter.offset) == ("late", 1)
    assert decode(letter.body, 1 << 20) == Observations(items=(frame(500),))


async def test_early_panes_go_to_redis_only():
    rig = Rig()
    async with running(rig):
        await rig.feed(frame(0, ("video", "text")), frame(1000, ("video", "text")))
        await rig.journal.until(lambda: rig.journal.of("redis"))
    ((_, pane),) = rig.journal.of("redis")
    assert isinstance(pane, FusedEmotion) and pane.pane == "early"
    assert rig.journal.of("topic") == []
