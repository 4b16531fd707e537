"""A call over several AudioHook sessions: continued, taken over, too late, another; emotions sent back."""

import asyncio

import pytest
from support.audiohook_sessions import CONVERSATION, ORGANIZATION, SECOND, Session
from support.gateway import ZERO_MS, Broker, gate

from affectstream.producers.gateway.feedback import Feedback
from affectstream.runtime.store import Newest
from affectstream.schemas.messages import AudioChunk, EndOfStream, FusedEmotion

WAIT_S = 30.0


def times(message):
    return (message.start_ms - ZERO_MS) / 1000, (message.end_ms - ZERO_MS) / 1000


def sent(broker):
    """Chunks and ends as they were sent: session, run, number, start and end in s of the call."""
    return [(type(m) is EndOfStream, m.session_id[36:], m.run, m.seq, *times(m)) for m in broker.sent]


@pytest.mark.parametrize("says_so", [True, False])
async def test_a_call_that_is_continued_stays_one_session_and_one_run(says_so):
    broker, now_ms = Broker(), [ZERO_MS]
    shared = gate(broker, reconnect_s=WAIT_S, now_ms=lambda: now_ms[0])
    first = await Session(shared, 0).opened(3)
    if says_so:
        await first.send("close", "PT3S", reason="reconnect")
        assert first.got[-1]["type"] == "closed"
    await first.gone()
    now_ms[0] += 5_000
    second = await Session(shared, 1, continues=[0]).opened(2)
    assert second.got[0]["type"] == "opened"
    await second.send("close", "PT2S", reason="end")
    await second.gone()
    assert sent(broker) == [
        *((False, "", "run-1", n, float(n), float(n + 1)) for n in range(7)),
        (True, "", "run-1", 7, 7.0, 7.0),
    ]
    assert not shared.places._parties and not shared.streams._known


async def test_a_call_whose_old_connection_was_not_missed_yet_is_taken_over():
    broker = Broker()
    shared = gate(broker, reconnect_s=WAIT_S)
    first = await Session(shared, 0).opened(3)
    second = await Session(shared, 1, continues=[0]).opened(2, "PT2S")
    assert second.got[0]["parameters"]["discardTo"] == "PT3S"
    await first.put(SECOND)  # is not of the call any more
    await first.gone()
    await second.send("close", "PT4S", reason="end")
    await second.gone()
    chunks = [m for m in broker.sent if isinstance(m, AudioChunk)]
    assert [m.seq for m in chunks] == [0, 1, 2, 3] and broker.sent[-1].end_ms == ZERO_MS + 4_000


async def test_a_call_that_is_taken_over_while_its_connection_breaks_off_waits_for_nobody():
    broker = Broker()
    shared = gate(broker, reconnect_s=WAIT_S)
    first = await Session(shared, 0).opened(1)
    async with first.connection._taken.sending:  # as while the broker is slow
        second = await Session(shared, 1, continues=[0]).opened()
        await first.gone()
    await second.put(SECOND)
    assert not shared.streams._waiting
    await second.send("close", "PT2S", reason="end")
    await second.gone()
    await shared.streams.drain()
    assert [(type(m) is EndOfStream, m.seq) for m in broker.sent] == [(False, 0), (False, 1), (True, 2)]


async def test_a_call_that_is_taken_while_another_is_ended_at_the_stop_goes_on():
    broker = Broker()
    shared = gate(broker, reconnect_s=WAIT_S)
    others = {"conversationId": ORGANIZATION}
    for session in (Session(shared, 0), Session(shared, 1, **others)):
        await (await session.opened(1)).gone()
    broker.answers.clear()  # the end of the first takes its time
    draining = asyncio.create_task(shared.streams.drain())
    await asyncio.sleep(0)
    third = await Session(shared, 2, continues=[1], **others).opened(1)
    broker.answers.set()
    await draining
    assert third.got[0]["type"] == "opened" and not third.connection.over
    await third.send("close", "PT2S", reason="end")
    await third.gone()


async def test_a_chain_of_sessions_is_one_call():
    broker, shared = Broker(), None
    shared = gate(broker, reconnect_s=WAIT_S)
    for number in range(4):
        session = await Session(shared, number, continues=range(number)).opened(1)
        await session.send("close", "PT1S", reason="reconnect" if number < 3 else "end")
        await session.gone()
    assert [m.seq for m in broker.sent] == [0, 1, 2, 3, 4]
    assert {m.run for m in broker.sent} == {"run-1"}


async def test_a_call_that_is_not_continued_in_time_is_ended():
    broker = Broker()
    shared = gate(broker, reconnect_s=0.01)
    await (await Session(shared, 0).opened(2)).gone()
    async with asyncio.timeout(5):
        while not isinstance(broker.sent[-1], EndOfStream):
            await asyncio.sleep(0.005)
    late = await Session(shared, 1, continues=[0]).opened(1)
    await late.send("close", "PT1S", reason="end")
    await late.gone()
    assert [message.end_ms - ZERO_MS for message in broker.sent] == [1_000, 2_000, 2_000, 1_000, 1_000]


async def test_calls_that_wait_are_ended_when_the_process_stops():
    broker = Broker()
    shared = gate(broker, reconnect_s=WAIT_S)
    await (await Session(shared, 0).opened(2)).gone()
    assert not isinstance(broker.sent[-1], EndOfStream)
    await shared.streams.drain()
    assert isinstance(broker.sent[-1], EndOfStream) and not shared.places._parties


async def test_a_stopping_process_asks_to_reconnect_and_waits_for_the_sessions_to_close():
    broker = Broker()
    shared = gate(broker, reconnect_s=WAIT_S)
    session = await Session(shared, 0).opened(1)
    shared.stopping.set()
    leaving = asyncio.create_task(shared.streams.left(5))
    await session.put(SECOND)
    assert session.got[-1]["type"] == "reconnect" and not leaving.done()
    await session.send("close", "PT2S", reason="reconnect")
    await session.gone()
    await leaving
    assert isinstance(broker.sent[-1], EndOfStream)


async def test_two_sessions_of_a_conversation_are_two_sessions():
    broker = Broker()
    shared = gate(broker, reconnect_s=0)
    first, second = [await Session(shared, n).opened(1) for n in range(2)]
    for session in (first, second):
        await session.send("close", "PT1S", reason="end")
        await session.gone()
    assert {(end, name, run) for end, name, run, *_ in sent(broker)} == {
        (False, "", "run-1"),
        (True, "", "run-1"),
        (False, "-2", "run-2"),
        (True, "-2", "run-2"),
    }


async def test_a_session_of_another_conversation_cannot_be_continued():
    broker = Broker()
    shared = gate(broker, reconnect_s=WAIT_S)
    await Session(shared, 0).opened(1)
    other = await Session(shared, 1, continues=[0], conversationId=ORGANIZATION).opened(1)
    await other.send("close", "PT1S", reason="end")
    await other.gone()
    assert {m.session_id for m in broker.sent} == {CONVERSATION, ORGANIZATION}


async def test_after_an_error_the_client_closes():
    broker = Broker()
    session = await Session(gate(broker, reconnect_s=0), 0).opened(1)
    await session.put("{")
    assert session.got[-1]["type"] == "disconnect" and isinstance(broker.sent[-1], EndOfStream)
    await session.send("close", "PT1S", reason="disconnect")
    assert session.got[-1]["type"] == "closed" and session.connection.refusal == "not_json"
    await session.gone()


async def test_a_session_that_is_too_long_is_completed():
    session = await Session(gate(Broker(), longest_s=1.5, max_speed=1e9), 0).opened(2)
    assert session.got[-1]["parameters"] == {"reason": "completed", "info": "too long"}
    await session.gone()


async def test_a_probe_is_no_session():
    broker, none = Broker(), "00000000-0000-0000-0000-000000000000"
    probe = Session(gate(broker), 0, conversationId=none, participant={"id": none})
    await probe.opened()
    await probe.send("close", reason="end")
    await probe.gone()
    assert [reply["type"] for reply in probe.got] == ["opened", "closed"] and broker.sent == []


class Windows:
    """The newest finals of a store, as they are set."""

    def __init__(self):
        self.newest = {}

    async def newest_of(self, parties):
        found = [self.newest.get(party) for party in parties]
        return [Newest(final.end_ms, final) if final else None for final in found]


def final(start_ms):
    times = {"start_ms": ZERO_MS + start_ms, "end_ms": ZERO_MS + start_ms + 1000}
    shares = {"confidence": 0.5, "uncertainty": 0.5, "disagreement": 0.0, "modalities": (), "rule": "r"}
    p = (1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    return FusedEmotion(
        session_id="s", party="customer", pane="final", p=p, label="neutral", **times, **shares
    )


async def test_each_new_window_is_sent_back_once():
    broker, windows = Broker(), Windows()
    shared = gate(broker, reconnect_s=0)
    shared.feedback = Feedback(windows)
    asking = {"customConfig": {"affectstream": {"emotions": True}}}
    session = await Session(shared, 0, **asking).opened(1)
    for start_ms in (0, 0, 1000):
        windows.newest[CONVERSATION, "customer"] = final(start_ms)
        await shared.feedback.read()
        await session.put(SECOND)
        await session.put(SECOND)
    events = [reply["parameters"]["entities"] for reply in session.got if reply["type"] == "event"]
    assert [[each["data"]["position"] for each in entities] for entities in events] == [["PT0S"], ["PT1S"]]
    await session.gone()
    assert not shared.feedback._asked


async def test_windows_are_sent_to_the_stream_that_took_the_call_over():
    shared, windows = gate(Broker(), reconnect_s=WAIT_S), Windows()
    shared.feedback = Feedback(windows)
    asking = {"customConfig": {"affectstream": {"emotions": True}}}
    first = await Session(shared, 0, **asking).opened(1)
    second = await Session(shared, 1, continues=[0], **asking).opened(1)
    await first.gone()
    windows.newest[CONVERSATION, "customer"] = final(0)
    await shared.feedback.read()
    await second.put(SECOND)
    assert second.got[-1]["type"] == "event"
    await second.send("close", "PT2S", reason="end")
    await second.gone()
    assert not shared.feedback._asked and not shared.feedback._asking


async def test_where_nobody_asks_nothing_is_read():
    shared = gate(Broker(), reconnect_s=0)
    shared.feedback = Feedback(Windows())
    session = await Session(shared, 0).opened(1)
    assert not shared.feedback._asked
    await session.gone()
