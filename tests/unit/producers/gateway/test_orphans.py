"""Calls of a process that dies without a word: continued where its messages end, or ended by another process.

A killed process here is one that is heard of no more; what it held of a hop is lost with it::

    process a     0 . . . 1000 . . . 2000 . . x           the half hop after 2000 was never sent
    process b                        2000 . . . 3000      the stream goes on from there
"""

import asyncio
import json

import numpy as np
import pytest
from support.audiohook_sessions import SECOND, Session
from support.gateway import ZERO_MS, Broker, gate
from support.journal import MemoryJournal, Noticeboard

from affectstream.producers.gateway import handover
from affectstream.producers.gateway.connection import Connection
from affectstream.producers.gateway.orphans import Orphans
from affectstream.producers.gateway.plain import Plain
from affectstream.producers.gateway.simulators import twilio
from affectstream.producers.gateway.twilio import Twilio
from affectstream.schemas.messages import EndOfStream, Reason, VideoFrame

TRACK = {"party": "customer", "encoding": "s16le", "rate_hz": 8000}
JPEG = {"party": "customer", "encoding": "jpeg"}
WORDS = {"party": "customer", "encoding": "words"}
PICTURE = b"\xff\xd8 picture \xff\xd9"
PARTIES = {"inbound": "customer", "outbound": "agent"}


class Process:
    """A gateway before a broker and a journal that others share."""

    def __init__(self, broker, board, name, now_ms=ZERO_MS, **settings):
        self.gate = gate(broker, now_ms=lambda: now_ms, **{"reconnect_s": 30, **settings})
        self.journal = self.gate.journal = MemoryJournal(board, name)
        self.board, self.got = board, []

    def killed(self):
        self.board.living.discard(self.journal.owner)

    def connected(self, protocol):
        async def reply(data):
            self.got.append(json.loads(data))

        return Connection("stream", protocol, self.gate, reply)


def start(*tracks, **more):
    return json.dumps({"type": "start", "call_id": "call-7", "tracks": [*tracks], **more})


def frame(track, at_ms, body):
    return bytes([track]) + at_ms.to_bytes(8, "big") + body


def half_seconds(first, last):
    return [frame(0, at_ms, bytes(8_000)) for at_ms in range(first, last, 500)]


async def fed(connection, *messages):
    for message in messages:
        await connection.feed(message)


def counted(broker):
    """What was sent, each number once as it came first: so the fusion counts it."""
    return list({(m.type == "eos", m.modality, m.seq): m for m in reversed(broker.sent)}.values())[::-1]


def spans(broker):
    return [(m.modality, m.run, m.seq, m.start_ms - ZERO_MS, m.end_ms - ZERO_MS) for m in counted(broker)]


async def test_an_audiohook_session_goes_on_at_a_process_that_never_knew_the_first_one():
    broker, board = Broker(), Noticeboard()
    first, second = Process(broker, board, "a"), Process(broker, board, "b")
    session = await Session(first.gate, 0).opened(2)
    await session.put(SECOND[:4_000])
    first.killed()
    later = await Session(second.gate, 1, continues=[0]).opened(2, "PT1S")
    assert later.got[0]["parameters"]["discardTo"] == "PT2S"
    await later.send("close", "PT3S", reason="end")
    await later.gone()
    assert spans(broker) == [
        *(("audio", "run-1", n, n * 1000, n * 1000 + 1000) for n in range(3)),
        ("audio", "run-1", 3, 3000, 3000),
    ]
    assert board.calls["a"] == board.calls["b"] == {}
    session.running.cancel()


async def test_a_stream_of_ones_own_is_resumed_by_its_secret_with_sound_pictures_and_words():
    broker, board = Broker(), Noticeboard()
    first, second = Process(broker, board, "a"), Process(broker, board, "b")
    tracks = (TRACK, JPEG, WORDS)
    spoken = {"type": "words", "track": 2, "start_ms": 0, "end_ms": 1500, "text": "hello", "final": True}
    said = start(*tracks, resume=True)
    opening = (said, *half_seconds(0, 2500), frame(1, 2400, PICTURE), json.dumps(spoken))
    await fed(first.connected(Plain()), *opening)
    secret = first.got[0].pop("resume")
    assert first.got == [{"type": "started", "session": "call-7", "at_ms": 0}]
    first.killed()
    made = second.connected(Plain())
    async with made:
        again = frame(1, 2400, PICTURE), frame(1, 2600, PICTURE)
        await fed(made, start(*tracks, resume=secret), *again, *half_seconds(2000, 3000))
        await fed(made, json.dumps({"type": "stop"}))
    assert second.got[0] == {"type": "started", "session": "call-7", "resume": secret, "at_ms": 2400}
    by_kind = {
        kind: [each[2:] for each in spans(broker) if each[0] == kind] for kind in ("audio", "video", "text")
    }
    assert by_kind["audio"] == [(0, 0, 1000), (1, 1000, 2000), (2, 2000, 3000), (3, 3000, 3000)]
    assert [each[:2] for each in by_kind["video"]] == [(0, 2400), (1, 2600), (2, 3000)]
    assert by_kind["text"] == [(0, 0, 1500), (1, 3000, 3000)]
    assert {each[1] for each in spans(broker)} == {"run-1"}


async def test_an_unknown_secret_resumes_nothing():
    broker, board = Broker(), Noticeboard()
    first, second = Process(broker, board, "a"), Process(broker, board, "b", now_ms=ZERO_MS + 9_000)
    await fed(first.connected(Plain()), start(TRACK, resume=True), *half_seconds(0, 1000))
    first.killed()
    await fed(second.connected(Plain()), start(TRACK, resume="guessed"), *half_seconds(0, 1000))
    assert [m.start_ms - ZERO_MS for m in broker.sent] == [0, 9_000]
    assert board.calls["a"]


async def test_a_second_twilio_stream_of_a_call_goes_on_where_the_call_is_now():
    broker, board = Broker(), Noticeboard()
    first, second = Process(broker, board, "a"), Process(broker, board, "b", now_ms=ZERO_MS + 5_000)
    messages = [each for _, each in twilio("CA1", {"inbound": np.zeros(16_000, "<i2")})]
    await fed(first.connected(Twilio(PARTIES)), *messages[:-1])
    first.killed()
    made = second.connected(Twilio(PARTIES))
    async with made:
        await fed(made, *messages)
    assert spans(broker) == [
        *(("audio", "run-1", n, n * 1000, n * 1000 + 1000) for n in range(7)),  # 2 to 5 s: silence
        ("audio", "run-1", 7, 7000, 7000),
    ]


async def test_a_stream_without_an_id_takes_no_call_from_a_process_that_lives(monkeypatch):
    monkeypatch.setattr(handover, "ALIVE_S", 0.01)
    monkeypatch.setattr(handover, "PERIOD_S", 0.01)
    broker, board = Broker(), Noticeboard()
    first, second = Process(broker, board, "a"), Process(broker, board, "b", now_ms=ZERO_MS + 5_000)
    messages = [each for _, each in twilio("CA1", {"inbound": np.zeros(8_000, "<i2")})][:-1]
    await fed(first.connected(Twilio(PARTIES)), *messages)
    await fed(second.connected(Twilio(PARTIES)), *messages)
    assert board.calls["a"] and not board.taken
    assert [m.start_ms - ZERO_MS for m in broker.sent] == [
        0,
        5_000,
    ]  # Redis would refuse it


async def test_a_process_that_was_only_slow_sends_nothing_more_of_a_call_that_went_on():
    broker, board = Broker(), Noticeboard()
    first, second = Process(broker, board, "a"), Process(broker, board, "b")
    slow = first.connected(Plain())
    async with slow:
        await fed(slow, start(TRACK, resume=True), *half_seconds(0, 1000))
        secret = first.got[0]["resume"]
        made = second.connected(Plain())
        await fed(made, start(TRACK, resume=secret), *half_seconds(1000, 2000))
        await fed(slow, *half_seconds(1000, 2000))
        assert slow.refusal == "continued_elsewhere"
    assert first.got[-1] == {"type": "refused", "reason": "continued_elsewhere"}
    assert [each[2:] for each in spans(broker)] == [(0, 0, 1000), (1, 1000, 2000)]


async def test_what_was_on_its_way_has_an_empty_message_under_its_number():
    broker, board = Broker(), Noticeboard()
    first, second = Process(broker, board, "a"), Process(broker, board, "b")
    broker.answers.clear()  # nothing is acknowledged
    await fed(first.connected(Plain()), start(TRACK, JPEG, resume=True), *half_seconds(0, 1000))
    secret, sent = first.got[0]["resume"], list(broker.sent)
    first.killed()
    broker.answers.set()
    await fed(second.connected(Plain()), start(TRACK, JPEG, resume=secret), frame(1, 1200, PICTURE))
    (original,), (stand_in, picture) = sent, broker.sent[1:]
    same = ("run", "seq", "start_ms", "end_ms", "watermark_ms", "expects", "rate_hz")
    assert all(getattr(original, name) == getattr(stand_in, name) for name in same)
    assert (stand_in.pcm, stand_in.withheld) == (b"", Reason.FAILED)
    assert isinstance(picture, VideoFrame) and picture.start_ms == ZERO_MS + 1200


async def test_a_pause_holds_where_the_call_goes_on():
    broker, board = Broker(), Noticeboard()
    first, second = Process(broker, board, "a"), Process(broker, board, "b")
    paused = json.dumps({"type": "pause"})
    await fed(first.connected(Plain()), start(TRACK, resume=True), *half_seconds(0, 1000), paused)
    first.killed()
    secret = first.got[0]["resume"]
    await fed(second.connected(Plain()), start(TRACK, resume=secret), *half_seconds(1000, 2000))
    assert [(m.seq, m.withheld) for m in counted(broker)] == [(0, None), (1, Reason.PAUSED)]


@pytest.mark.parametrize("after_s", [0, 30])
async def test_a_call_that_never_comes_back_is_ended_once_after_its_time(after_s):
    broker, board = Broker(), Noticeboard()
    first = Process(broker, board, "a")
    others = [Process(broker, board, name, reconnect_s=after_s) for name in ("b", "c")]
    said = start(TRACK, JPEG, WORDS)
    await fed(first.connected(Plain()), said, *half_seconds(0, 2000), frame(1, 1900, PICTURE))
    began = len(broker.sent)
    looking = [Orphans(each.gate, each.journal) for each in others]
    await asyncio.gather(*(each.look() for each in looking))
    assert len(broker.sent) == began  # it lives
    first.killed()
    await asyncio.gather(*(each.look() for each in looking))
    ends = [m for m in broker.sent if isinstance(m, EndOfStream)]
    assert len(counted(broker)) == began + len(ends)
    found = {(m.modality, m.run, m.seq, m.end_ms - ZERO_MS) for m in ends}
    expected = {("video", "run-1", 1, 2000), ("audio", "run-1", 2, 2000), ("text", "run-1", 0, 2000)}
    assert found == (set() if after_s else expected) and len(ends) == len(found)
