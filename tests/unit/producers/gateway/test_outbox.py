"""The messages of a call while the broker is slow or gone: few, in order, silence for what is left out."""

import asyncio
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from affectstream.producers.gateway import outbox
from affectstream.producers.gateway.outbox import MOST_UNACKNOWLEDGED, Outbox
from affectstream.schemas.messages import AudioChunk, EndOfStream, VideoFrame

SECOND = 1_000


def envelope(kind, seq, party, start_ms, end_ms):
    times = {"start_ms": start_ms, "end_ms": end_ms, "watermark_ms": end_ms}
    expects = ("video", "audio")
    return {"session_id": "s", "party": party, "modality": kind, "seq": seq, "expects": expects, **times}


def chunk(seq, party="customer"):
    fields = envelope("audio", seq, party, seq * SECOND, (seq + 1) * SECOND)
    return AudioChunk(**fields, pcm=b"\1\1" * 16_000, rate_hz=8_000)


def frame(seq):
    return VideoFrame(**envelope("video", seq, "customer", seq, seq), jpeg=b"jpeg")


def end(seq, party="customer"):
    return EndOfStream(**envelope("audio", seq, party, seq * SECOND, seq * SECOND))


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(outbox, "RETRY_S", 0.0)


class Broker:
    """Acknowledges at once, or nothing until it is told to."""

    def __init__(self):
        self.sent, self.answers, self.waiting, self.full = [], True, [], False

    async def send(self, message):
        while self.full:
            await asyncio.sleep(0)
        self.sent.append(message)
        ack = asyncio.get_running_loop().create_future()
        self.waiting.append(ack)
        self.answer()
        return ack

    def answer(self):
        if self.answers:
            for ack in self.waiting:
                ack.set_result(None)
            self.waiting = []


def spans(messages, party="customer"):
    return [(m.start_ms // SECOND, m.end_ms // SECOND) for m in messages if m.party == party]


async def test_what_is_left_out_while_the_broker_is_gone_becomes_one_chunk_of_silence():
    broker, dropped = Broker(), Counter()
    made = Outbox(broker.send, dropped, patience_s=0.0)
    await made.send(map(chunk, range(2)))
    broker.answers = False
    await made.send(map(chunk, range(2, 100)))
    held = MOST_UNACKNOWLEDGED + 1
    assert len(broker.sent) == 2 + held and dropped == {"broker": 98 - held}
    broker.answers = True
    broker.answer()
    await made.send([chunk(100), end(101)])
    await made.flush()
    assert spans(broker.sent)[2 + held :] == [(2 + held, 100), (100, 101), (101, 101)]
    silence = broker.sent[2 + held]
    assert not any(silence.pcm) and len(silence.pcm) < 4_000
    assert (silence.seq, silence.watermark_ms) == (2 + held, 100 * SECOND)


async def test_the_end_is_sent_even_where_the_broker_is_still_gone_with_the_silence_before_it():
    broker, dropped = Broker(), Counter()
    broker.answers = False
    made = Outbox(broker.send, dropped, patience_s=0.0)
    await made.send([*map(chunk, range(20)), frame(1), chunk(0, "agent"), end(20), end(1, "agent")])
    assert spans(broker.sent)[-2:] == [(9, 20), (20, 20)]
    assert spans(broker.sent, "agent") == [(0, 1), (1, 1)]
    assert dropped["broker"] == 11 + 1 + 1


async def test_a_producer_whose_buffer_is_full_is_a_broker_that_is_gone():
    broker, dropped = Broker(), Counter()
    made = Outbox(broker.send, dropped, patience_s=0.0)
    broker.full = True
    await made.send(map(chunk, range(5)))
    assert (broker.sent, dropped) == ([], {"broker": 5})
    broker.full = False
    await made.send([chunk(5), end(6)])
    assert spans(broker.sent) == [(0, 5), (5, 6), (6, 6)]


async def test_a_message_that_failed_is_reported():
    broker = Broker()
    broker.answers = False
    made = Outbox(broker.send, Counter())
    await made.send([chunk(0)])
    broker.waiting.pop().set_exception(ValueError("gone"))
    with pytest.raises(ValueError, match="gone"):
        await made.send([chunk(1)])


@given(st.lists(st.sampled_from(["customer", "agent", "up", "down"]), max_size=80))
def test_every_moment_of_a_party_is_in_exactly_one_chunk_whatever_the_broker_does(steps):
    async def run():
        broker, at = Broker(), Counter()
        made = Outbox(broker.send, Counter(), patience_s=0.0)
        for step in steps:
            if step in ("up", "down"):
                broker.answers = step == "up"
                broker.answer()
                continue
            await made.send([chunk(at[step], step)])
            at[step] += 1
            assert len(broker.waiting) <= MOST_UNACKNOWLEDGED + 3
        await made.send([end(at[party], party) for party in at])
        for party, count in at.items():
            found = spans(broker.sent, party)
            assert found[0][0] == 0 and found[-1] == (count, count)
            assert all(a[1] == b[0] for a, b in pairwise(found))

    asyncio.run(run())
