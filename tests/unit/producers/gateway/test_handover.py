"""A call whose second AudioHook session reaches another process: one session, one run, no gap, no twice."""

import asyncio

import pytest
from support.audiohook_sessions import SECOND, Session
from support.gateway import ZERO_MS, Broker, gate

from affectstream.producers.gateway import handover
from affectstream.producers.gateway.handover import Handing
from affectstream.schemas.messages import AudioChunk, EndOfStream


class Shared:
    """What two processes share: names that are asked for, and what is given, each taken once."""

    def __init__(self):
        self.names, self.given = set(), {}

    async def asked(self):
        return set(self.names)

    async def ask(self, names, timeout_s):
        self.names |= {*names}
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    for name in names:
                        if name in self.given:
                            return self.given.pop(name)
                    await asyncio.sleep(0.001)
        except TimeoutError:
            return None
        finally:
            self.names -= {*names}

    async def give(self, name, what, timeout_s):
        self.given[name] = what
        async with asyncio.timeout(timeout_s):
            while name in self.given:
                await asyncio.sleep(0.001)
        return True


class Nobody(Shared):
    """Nobody takes what is given."""

    async def give(self, name, what, timeout_s):
        return False


@pytest.fixture
def processes(monkeypatch):
    """Two processes before one broker; the second one's clock and runs are its own."""
    monkeypatch.setattr(handover, "PERIOD_S", 0.001)
    monkeypatch.setattr(handover, "ASK_S", 0.5)

    def made(shared):
        broker = Broker()
        both = [gate(broker, reconnect_s=30, now_ms=lambda n=n: ZERO_MS + 2500 * n) for n in range(2)]
        for each in both:
            each.handovers = shared
        giving = [asyncio.create_task(Handing(each, shared).run()) for each in both]
        return broker, both, giving

    return made


def spans(broker, kind=AudioChunk):
    found = [m for m in broker.sent if isinstance(m, kind)]
    return [(m.session_id[36:], m.run, m.seq, m.start_ms - ZERO_MS, m.end_ms - ZERO_MS) for m in found]


@pytest.mark.parametrize("says_so", [True, False])
async def test_a_session_that_reaches_another_process_goes_on_as_the_same_call(processes, says_so):
    broker, (first, second), giving = processes(Shared())
    session = await Session(first, 0).opened(2)
    await session.put(SECOND[:4_000])
    if says_so:
        await session.send("close", "PT2.5S", reason="reconnect")
    await session.gone()
    later = Session(second, 1, continues=[0])
    await later.send("open", "PT0S", **later.opening)
    async with asyncio.timeout(5):
        while not later.got or first.running:  # the first one sees a little later that its call was taken
            await asyncio.sleep(0.005)
    assert later.got[0]["type"] == "opened" and not first.places._parties
    await later.put(SECOND)
    await later.put(SECOND)
    await later.send("close", "PT2S", reason="end")
    await later.gone()
    assert spans(broker) == [
        ("", "run-1", 0, 0, 1000),
        ("", "run-1", 1, 1000, 2000),
        ("", "run-1", 2, 2000, 2500),  # what the first process had heard of a hop
        ("", "run-1", 3, 2500, 3000),
        ("", "run-1", 4, 3000, 4000),
        ("", "run-1", 5, 4000, 4500),
    ]
    assert spans(broker, EndOfStream) == [("", "run-1", 6, 4500, 4500)]
    assert not second.running and not second.places._parties
    for task in giving:
        task.cancel()


async def test_a_call_that_nobody_takes_in_time_is_ended_where_it_is(processes):
    broker, (first, second), giving = processes(Nobody())
    await (await Session(first, 0).opened(1)).gone()
    later = Session(second, 1, continues=[0])
    await later.send("open", "PT0S", **later.opening)
    async with asyncio.timeout(5):
        while not later.got:
            await asyncio.sleep(0.005)
    assert spans(broker, EndOfStream) == [("", "run-1", 1, 1000, 1000)]
    assert not first.running and not first.places._parties
    await later.put(SECOND)
    await later.send("close", "PT1S", reason="end")
    await later.gone()
    for task in giving:
        task.cancel()


async def test_where_no_process_has_the_call_its_continuation_is_a_call_of_its_own(processes):
    broker, (_, second), giving = processes(Shared())
    later = Session(second, 1, continues=[0])
    await later.send("open", "PT0S", **later.opening)
    async with asyncio.timeout(5):
        while not later.got:
            await asyncio.sleep(0.005)
    await later.put(SECOND)
    await later.send("close", "PT1S", reason="end")
    await later.gone()
    assert spans(broker) == [("", "run-1", 0, 2500, 3000), ("", "run-1", 1, 3000, 3500)]
    for task in giving:
        task.cancel()
