"""Consent and pauses while a call is streamed in: they hold at once, and are noted in the audit log."""

import asyncio
import json

import pytest

from affectstream.producers.gateway.admission import Places
from affectstream.producers.gateway.connection import Connection
from affectstream.producers.gateway.gate import Gate
from affectstream.producers.gateway.permission import Permission
from affectstream.producers.gateway.plain import Plain
from affectstream.producers.session_ids import SessionIds
from affectstream.runtime.audit import AuditLog
from affectstream.runtime.settings import load
from affectstream.schemas.consent import Standing
from affectstream.schemas.messages import AudioChunk

ZERO_MS = 1_700_000_000_000
START = {
    "type": "start",
    "call_id": "call-7",
    "tracks": [{"party": "customer", "encoding": "s16le", "rate_hz": 8000}],
}


class Known:
    """Standings by session, as Redis and the process know them."""

    def __init__(self):
        self.standings, self.changed = {}, lambda _: None

    async def ask(self, session_ids):
        pass

    def standing(self, session_id):
        return self.standings.get(session_id, Standing())

    def refuses(self, session_id):
        return self.standing(session_id).consent == "withdrawn"

    def note(self, session_id, found):
        self.standings[session_id] = found
        self.changed(session_id)

    async def set(self, session_id, consent, by):
        return self.standing(session_id).with_consent(consent)


@pytest.fixture
def known(tmp_path):
    found = Known()
    found.permission = Permission(found, found, AuditLog(tmp_path / "audit.jsonl"))
    found.changed = found.permission.changed
    return found


async def streamed(known, *messages):
    """Stream a call; a function among the messages is called when its turn comes."""
    sent, waiting = [], iter([json.dumps(START), *messages])

    async def send(message):
        sent.append(message)
        return asyncio.ensure_future(asyncio.sleep(0))

    async def receive():
        while callable(message := next(waiting, None)):
            message()
        return message

    async def reply(_):
        pass

    gate = Gate(load(), send, Places(9, lambda: "run"), SessionIds(None), None, lambda: ZERO_MS)
    gate.permission = known.permission
    async with Connection("stream", Plain(), gate, reply) as connection:
        await connection.run(receive)
    return sent, connection.refusal


def seconds(first, last):
    return [b"\0" + ms.to_bytes(8, "big") + bytes(16_000) for ms in range(first * 1000, last * 1000, 1000)]


async def test_a_withdrawal_ends_the_stream_and_drops_what_waits(known):
    def withdraw():
        known.note("call-7", Standing("withdrawn", version=1))

    sent, refusal = await streamed(known, *seconds(0, 3), withdraw, *seconds(3, 6))
    assert [m.end_ms - ZERO_MS for m in sent if isinstance(m, AudioChunk)] == [1000, 2000, 3000]
    assert len(sent) == 3
    assert refusal == "consent_withdrawn"
    assert await streamed(known, *seconds(0, 1)) == ([], "consent_withdrawn")


async def test_a_stream_may_state_the_consent_itself(known):
    sent, refusal = await streamed(
        known, *seconds(0, 2), json.dumps({"type": "consent", "consent": "withdrawn"}), *seconds(2, 4)
    )
    assert len(sent) == 2
    assert refusal == "consent_withdrawn"
    assert (await streamed(known, json.dumps({"type": "consent", "consent": "maybe"})))[1]


async def test_a_pause_by_the_operator_is_marked_in_the_stream(known):
    def pause():
        known.note("call-7", known.standing("call-7").with_pause(0))

    def resume():
        known.note("call-7", known.standing("call-7").resumed(1))

    sent, _ = await streamed(known, *seconds(0, 2), pause, *seconds(2, 4), resume, *seconds(4, 6))
    assert [(m.withheld, bool(m.pcm)) for m in sent if isinstance(m, AudioChunk)] == [
        (None, True),
        (None, True),
        ("paused", False),
        ("paused", False),
        (None, True),
        (None, True),
    ]


async def test_a_pause_by_the_protocol_is_in_the_audit_log(known):
    await streamed(known, *seconds(0, 1), json.dumps({"type": "pause"}), json.dumps({"type": "resume"}))
    noted = [(e.did, e.session, e.by) for e in known.permission.audit.entries()]
    assert noted == [("pause", "call-7", "gateway stream"), ("resume", "call-7", "gateway stream")]
