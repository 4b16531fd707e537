"""Words of a recogniser beside a running call: joined by its id, on its clock, and over with it."""

import asyncio
import json
import time

import pytest
from support.gateway import ZERO_MS, Broker, gate

from affectstream.producers.gateway.admission import Tokens, new_token
from affectstream.producers.gateway.beside import WordsBeside
from affectstream.producers.gateway.connection import Connection
from affectstream.producers.gateway.plain import Plain
from affectstream.schemas.messages import AudioChunk, EndOfStream, Transcript

CALL = {
    "type": "start",
    "call_id": "call-7",
    "tracks": [{"party": "customer", "encoding": "s16le", "rate_hz": 8000}],
}
WORDS = {"type": "start", "call_id": "call-7", "tracks": [{"party": "customer", "encoding": "words"}]}


class Side:
    """One side of a connection to the gateway: what is put is received, what is replied is kept."""

    def __init__(self, connect):
        self.got, self._messages = [], asyncio.Queue()
        self.connection = connect(self)
        self.running = asyncio.create_task(self._run())

    async def _run(self):
        if isinstance(self.connection, Connection):
            async with self.connection:
                await self.connection.run(self._messages.get)
        else:
            await self.connection.run(self._messages.get)

    async def reply(self, data):
        self.got.append(json.loads(data))

    def stop(self):
        self._messages.put_nowait(None)

    async def put(self, *messages):
        for message in messages:
            self._messages.put_nowait(json.dumps(message) if isinstance(message, dict) else message)
            for _ in range(50):
                await asyncio.sleep(0)
        return self

    async def gone(self):
        await self.put(None)
        await self.running


def sound(first, last):
    return [b"\0" + ms.to_bytes(8, "big") + bytes(16_000) for ms in range(first * 1000, last * 1000, 1000)]


def result(start_ms, end_ms, text="", final=True):
    return {"type": "words", "track": 0, "start_ms": start_ms, "end_ms": end_ms, "text": text, "final": final}


def a_call(shared):
    return Side(lambda side: Connection("stream", Plain(), shared, side.reply))


def words(shared):
    return Side(lambda side: WordsBeside(shared, side.reply, side.stop))


def transcripts(broker):
    found = [m for m in broker.sent if isinstance(m, Transcript)]
    assert [m.seq for m in found] == [*range(len(found))]
    return [(m.start_ms - ZERO_MS, m.end_ms - ZERO_MS, m.watermark_ms - ZERO_MS, m.text) for m in found]


async def test_words_join_a_running_call_from_where_it_has_come_and_partials_move_time():
    broker = Broker()
    shared = gate(broker)
    call = await a_call(shared).put(CALL, *sound(0, 3))
    beside = await words(shared).put(WORDS)
    assert beside.got == [{"type": "started", "session": "call-7", "start_ms": ZERO_MS, "at_ms": 3000}]
    await beside.put(result(2500, 3000, "before."), result(4200, 4900, "so", final=False))
    await call.put(*sound(3, 6))
    await beside.put(result(4200, 5600, "So I paid twice."), {"type": "stop"})
    assert beside.got[-1] == {"type": "ended"}
    await call.put(*sound(6, 8), {"type": "stop"})
    await call.running
    assert transcripts(broker) == [
        (3000, 3000, 3000, ""),
        (3000, 4200, 4200, ""),
        (4200, 5600, 5600, "So I paid twice."),
        (5600, 7000, 7000, ""),  # who stops sending words is silent as the call goes on
        (7000, 8000, 8000, ""),
    ]
    chunks = [m for m in broker.sent if isinstance(m, AudioChunk)]
    assert [m.expects for m in chunks] == [("audio",)] * 3 + [("audio", "text")] * 5
    ends = [m for m in broker.sent if isinstance(m, EndOfStream)]
    assert [(m.modality, m.end_ms - ZERO_MS) for m in ends] == [("audio", 8000), ("text", 8000)]
    assert not shared.running


async def test_words_that_broke_off_are_waited_for_and_may_come_again():
    broker = Broker()
    shared = gate(broker, max_speed=1e9)
    call = await a_call(shared).put(CALL, *sound(0, 2))
    await (await words(shared).put(WORDS, result(2000, 3000, "One."))).gone()
    await call.put(*sound(2, 9))
    again = await words(shared).put(WORDS, result(4000, 8000, "Two."))
    assert again.got[0]["type"] == "started"
    assert transcripts(broker)[1:] == [
        (2000, 3000, 3000, "One."),
        (3000, 4000, 4000, ""),
        (4000, 8000, 8000, "Two."),
    ]
    await call.gone()
    await again.running
    assert again.got[-1] == {"type": "ended"} and not again.connection.refusal


@pytest.mark.parametrize(
    ("start", "reason"),
    [
        (WORDS | {"call_id": "another"}, "no_such_call"),
        (WORDS | {"tracks": [{"party": "other", "encoding": "words"}]}, "no_such_party"),
        (CALL, "bad_tracks"),
        (result(0, 1), "no_start"),
    ],
)
async def test_what_is_of_no_running_call_is_refused(start, reason):
    shared = gate(Broker())
    call = await a_call(shared).put(CALL, *sound(0, 1))
    beside = await words(shared).put(start)
    assert beside.got == [{"type": "refused", "reason": reason}] and beside.connection.refusal == reason
    await call.gone()


async def test_the_words_of_a_party_come_by_one_stream_only():
    shared = gate(Broker())
    call = await a_call(shared).put(CALL, *sound(0, 1))
    first = await words(shared).put(WORDS)
    assert (await words(shared).put(WORDS)).got == [{"type": "refused", "reason": "words_taken"}]
    await first.put(result(1000, 2000, "Mine."), {"type": "pause"})
    assert first.got[-1] == {"type": "refused", "reason": "unknown_type"}  # a pause is the call's own
    await call.gone()


async def test_a_stream_of_words_needs_a_token_of_its_own():
    token = {"token": new_token("secret", time.time())}
    shared = gate(Broker(), Tokens("secret", time.time))
    call = await a_call(shared).put(CALL | token, *sound(0, 1))
    assert (await words(shared).put(WORDS | token)).got == [{"type": "refused", "reason": "token"}]
    other = {"token": new_token("secret", time.time())}
    assert (await words(shared).put(WORDS | other)).got[0]["type"] == "started"
    await call.gone()


async def test_the_agents_words_need_a_purpose():
    shared = gate(Broker())
    both = CALL | {"tracks": [*CALL["tracks"], {"party": "agent", "encoding": "s16le", "rate_hz": 8000}]}
    call = await a_call(shared).put(both, *sound(0, 1))
    of_agent = WORDS | {"tracks": [{"party": "agent", "encoding": "words"}]}
    assert (await words(shared).put(of_agent)).got == [{"type": "refused", "reason": "no_such_party"}]
    await call.gone()
