"""A connection on a fake broker: its limits in time, speed and memory, and the end of its session."""

import asyncio
import base64
import json
import time

import pytest
from support.gateway import ZERO_MS, Broker, gate

from affectstream.producers.gateway import connection
from affectstream.producers.gateway.admission import Tokens, new_token
from affectstream.producers.gateway.connection import Connection
from affectstream.producers.gateway.events import Ended, StreamProtocol, Texts, events_of
from affectstream.producers.gateway.outbox import MOST_UNACKNOWLEDGED
from affectstream.producers.gateway.plain import Plain
from affectstream.producers.gateway.sound import mu_law
from affectstream.producers.gateway.twilio import Twilio
from affectstream.schemas.messages import AudioChunk, EndOfStream

START = {
    "type": "start",
    "call_id": "call-7",
    "tracks": [{"party": "customer", "encoding": "s16le", "rate_hz": 8000}],
}


def seconds(first, last):
    return [b"\0" + (ms).to_bytes(8, "big") + bytes(16_000) for ms in range(first * 1000, last * 1000, 1000)]


async def streamed(gate, *messages, **how):
    return await streamed_from(gate, iter(messages), **how)


async def streamed_from(gate, waiting, then=None, replies=None):
    """Run a connection that sends what is waiting, then waits for ``then``, and disconnects."""
    nothing = object()

    async def receive():
        if (message := next(waiting, nothing)) is not nothing:
            return message
        if then is not None:
            await then
        return None

    async def reply(data):
        (replies if replies is not None else []).append(json.loads(data))

    async with Connection("stream", Plain(), gate, reply) as made:
        await made.run(receive)
    return made


async def test_a_call_is_sent_and_ended_when_it_disconnects():
    broker, replies = Broker(), []
    await streamed(gate(broker), json.dumps(START), *seconds(0, 3), replies=replies)
    *chunks, end = broker.sent
    assert [(c.start_ms - ZERO_MS, c.end_ms - ZERO_MS) for c in chunks] == [
        (0, 1000),
        (1000, 2000),
        (2000, 3000),
    ]
    assert all(isinstance(chunk, AudioChunk) for chunk in chunks) and isinstance(end, EndOfStream)
    assert {message.run for message in broker.sent} == {"run-1"}
    assert replies == [{"type": "started", "session": "call-7"}]


async def test_a_silent_connection_is_closed_and_its_session_ended():
    broker, never = Broker(), asyncio.Event()
    made = await streamed(gate(broker, idle_s=0.05), json.dumps(START), *seconds(0, 1), then=never.wait())
    assert made._reason == "idle" and isinstance(broker.sent[-1], EndOfStream)


async def test_a_connection_that_names_no_call_is_closed(monkeypatch):
    monkeypatch.setattr(connection, "START_S", 0.05)
    broker, never = Broker(), asyncio.Event()
    assert (await streamed(gate(broker), then=never.wait()))._reason == "no_start"
    assert broker.sent == []


async def test_while_the_broker_does_not_answer_no_more_is_read():
    broker, taken = Broker(), []
    broker.answers.clear()

    def watched():
        for message in [json.dumps(START), *seconds(0, 100)]:
            taken.append(message)
            yield message

    running = asyncio.create_task(streamed_from(gate(broker, max_speed=1e9), watched()))
    for _ in range(1000):
        await asyncio.sleep(0)
    assert len(broker.sent) == MOST_UNACKNOWLEDGED + 1 and len(taken) <= MOST_UNACKNOWLEDGED + 3
    broker.answers.set()
    await running
    assert len(broker.sent) == 101


async def test_a_stream_that_is_faster_than_it_may_be_is_slowed_down(monkeypatch):
    monkeypatch.setattr(connection, "AHEAD_MS", 1_000)
    began_s = time.monotonic()
    await streamed(gate(Broker(), max_speed=20), json.dumps(START), *seconds(0, 7))
    assert time.monotonic() - began_s >= 6 / 20


async def test_a_stream_ends_at_the_longest_that_is_allowed():
    broker = Broker()
    made = await streamed(gate(broker, longest_s=2.5, max_speed=1e9), json.dumps(START), *seconds(0, 9))
    assert made._reason == "too_long" and broker.sent[-1].end_ms == ZERO_MS + 3_000


async def test_a_call_of_six_hours_is_taken_in_to_its_end_by_the_settings_as_they_are():
    """Words every five minutes: a message each, and one for the time between."""
    tracks = [{"party": "customer", "encoding": "words"}]
    ends_ms = range(300_000, 6 * 3_600_000 + 1, 300_000)
    said = [
        {
            "type": "words",
            "track": 0,
            "start_ms": end_ms - 1_000,
            "end_ms": end_ms,
            "text": "yes",
            "final": True,
        }
        for end_ms in ends_ms
    ]
    broker = Broker()
    messages = map(json.dumps, [START | {"tracks": tracks}, *said, {"type": "stop"}])
    made = await streamed(gate(broker, max_speed=1e9), *messages)
    assert made._reason == "stop" and broker.sent[-1].end_ms == ZERO_MS + ends_ms[-1]


async def test_a_token_is_asked_for_and_spent():
    tokens = Tokens("secret", time.time)
    guarded, once = gate(Broker(), tokens), json.dumps(START | {"token": new_token("secret", time.time())})
    assert (await streamed(guarded, once)).refusal == ""
    replies = []
    assert (await streamed(guarded, once, replies=replies)).refusal == "token"
    assert replies == [{"type": "refused", "reason": "token"}]


async def test_tokens_of_one_secret_admit_so_many_a_minute():
    made = gate(Broker(), Tokens("secret", time.time), new_per_credential=2)
    asked = [START | {"call_id": f"c-{n}", "token": new_token("secret", time.time())} for n in range(2)]
    assert [(await streamed(made, json.dumps(each))).refusal for each in asked] == ["", "too_many"]


@pytest.mark.parametrize("party", ["agent", "other"])
@pytest.mark.parametrize(("purpose", "refusal"), [(None, "agent_not_permitted"), ("synthetic", "")])
async def test_a_stream_of_the_agent_alone_or_of_others_needs_a_purpose(purpose, refusal, party):
    start = START | {"tracks": [START["tracks"][0] | {"party": party}]}
    assert (await streamed(gate(Broker(), purpose=purpose), json.dumps(start))).refusal == refusal


async def test_a_fault_in_the_stream_ends_its_session():
    broker = Broker()
    made = await streamed(gate(broker), json.dumps(START), *seconds(0, 1), *seconds(5_000, 5_001))
    assert made.refusal == "time_leaps" and isinstance(broker.sent[-1], EndOfStream)


def test_of_messages_that_came_together_one_is_read_once_those_before_it_are_handled():
    read = []

    class Noting(StreamProtocol):
        def receive(self, data):
            read.append(data)
            return [Ended(data)]

    events = iter(events_of(Noting(), Texts(["a", "b"])))
    assert next(events) == Ended("a") and read == ["a"]
    assert next(events) == Ended("b") and read == ["a", "b"]


@pytest.mark.parametrize("size", [1, 7, 64])
async def test_messages_that_come_together_make_the_call_that_each_alone_makes(size):
    begin = {"event": "start", "start": {"callSid": "CA1", "tracks": ["inbound"]}, "streamSid": "MZ1"}
    sound = [
        {
            "track": "inbound",
            "chunk": n,
            "timestamp": 20 * n,
            "payload": base64.b64encode(bytes([n] * 160)).decode(),
        }
        for n in range(130)
    ]
    media = [{"event": "media", "media": each, "streamSid": "MZ1"} for each in sound]
    broker, arriving = Broker(), [*map(json.dumps, [begin, *media, {"event": "stop", "streamSid": "MZ1"}])]
    made = Connection("twilio", Twilio({"inbound": "customer"}), gate(broker, max_speed=1e9), None)

    async def receive():
        """What is left of the next messages, as the server asks for them."""
        while arriving:
            texts = Texts(arriving[:size])
            del arriving[:size]
            if (left := made.take(texts)) is not None:
                return left
        return None

    async with made:
        await made.run(receive)
    *chunks, end = broker.sent
    assert [(c.start_ms - ZERO_MS, c.end_ms - ZERO_MS) for c in chunks] == [
        (0, 1000),
        (1000, 2000),
        (2000, 2600),
    ]
    own = [c.pcm[16 * (c.start_ms - c.end_ms) :] for c in chunks]  # without what is their context
    assert b"".join(own) == mu_law(b"".join(bytes([n] * 160) for n in range(130)))
    assert isinstance(end, EndOfStream) and end.end_ms == ZERO_MS + 2600
