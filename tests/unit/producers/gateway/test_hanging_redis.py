"""A call that begins while Redis takes questions and answers none: it does not wait for the answers."""

import asyncio

from support.audiohook_sessions import SECOND, Session
from support.gateway import Broker, gate

from affectstream.producers.gateway.permission import Permission
from affectstream.runtime import redis_client
from affectstream.runtime.audit import AuditLog
from affectstream.schemas.consent import Standing
from affectstream.schemas.errors import Unavailable
from affectstream.schemas.messages import EndOfStream


class Frozen:
    """A Redis that takes every question and answers none, for journal, store and consents."""

    def __init__(self):
        self.assumed = []

    async def never(self, *_):
        await asyncio.Event().wait()

    find = claim_run = ask = never

    async def write(self, *_):
        raise Unavailable("the journal does not answer")

    async def forget(self, _):
        raise Unavailable("the journal does not answer")

    def assume(self, session_id):
        self.assumed.append(session_id)

    def standing(self, _):
        return Standing()

    def refuses(self, _):
        return False


async def test_a_session_is_opened_within_the_time_of_its_client_though_redis_hangs(monkeypatch, tmp_path):
    monkeypatch.setattr(redis_client, "SOON_S", 0.05)  # of the five seconds of Genesys' clients
    broker, frozen = Broker(), Frozen()
    shared = gate(broker)
    shared.store = shared.journal = frozen
    shared.permission = Permission(frozen, frozen, AuditLog(tmp_path / "audit.jsonl"))
    session = await Session(shared, 1, continues=[0]).opened()
    async with asyncio.timeout(5 * 0.05 + 1):
        while not session.got:
            await asyncio.sleep(0.01)
    assert session.got[0]["type"] == "opened" and len(frozen.assumed) == 2
    for _ in range(3):
        await session.put(SECOND)
    await session.send("close", "PT3S", reason="end")
    await session.gone()
    assert [isinstance(message, EndOfStream) for message in broker.sent] == [False, False, False, True]
