"""The calls of processes that died, ended by another one where no stream continues them in time."""

import asyncio
import time

import msgspec
import structlog

from affectstream.producers.gateway.events import Fault, Started
from affectstream.producers.gateway.gate import Gate, record_end
from affectstream.producers.gateway.handed import Handed, resumed, stand_ins
from affectstream.producers.gateway.intake import carried_on
from affectstream.producers.gateway.outbox import Outbox
from affectstream.runtime.journal import Journal, Place
from affectstream.schemas.errors import AffectError, Unavailable

PERIOD_S = 1.0

log = structlog.get_logger(__name__)


class Orphans:
    """What one process does about the calls of others."""

    def __init__(self, gate: Gate, journal: Journal) -> None:
        self._gate, self._journal = gate, journal
        self._since_s: dict[str, float] = {}  # when a process was first found dead

    async def run(self) -> None:
        """Look for dead processes until cancelled."""
        while True:
            try:
                await self.look()
            except Unavailable as error:
                log.warning("journal_not_read", why=str(error))
            await asyncio.sleep(PERIOD_S)

    async def look(self) -> None:
        """End the calls of processes that have been dead for as long as a call waits; raises Unavailable."""
        dead = await self._journal.dead()
        now_s = time.monotonic()
        self._since_s = {owner: self._since_s.get(owner, now_s) for owner in dead}
        for owner, places in dead.items():
            if now_s - self._since_s[owner] >= self._gate.settings.gateway.reconnect_s:
                for place in places:
                    await self._end(place)
                await self._journal.bury(owner)

    async def _end(self, place: Place) -> None:
        state = await self._journal.take(place)
        if state is None:
            return
        try:
            await self._finish(msgspec.json.decode(state, type=Handed))
        except (AffectError, Fault, msgspec.MsgspecError) as error:
            log.error("lost_call_not_ended", why=str(error))

    async def _finish(self, handed: Handed) -> None:
        if self._gate.permission:
            await self._gate.permission.admit(handed.session_id)
        event = Started("", handed.parties, video=handed.video, words=tuple(handed.words_ms))
        plan = carried_on(self._gate, event, handed)
        call = resumed(plan, handed)
        outbox = Outbox(self._gate.send, call.dropped)
        await outbox.send(stand_ins(plan, handed))
        await outbox.send(call.finish())
        await outbox.flush()
        record_end(handed.protocol, call, "process_died")
