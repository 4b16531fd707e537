"""A call that goes on at another process of the gateway: what the old one states of it for the new one.

The old process sends all sound that it has, also of a hop that is not complete. The new one begins there,
without the sound before it: its first chunk has no context. Redis holds no sound of a call. Where the old one
was killed, its journal says how far it came.
"""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress

import msgspec
import structlog

from affectstream.producers.gateway.continuing import StreamKey
from affectstream.producers.gateway.events import Fault, Started
from affectstream.producers.gateway.gate import Gate, Taken, key, record_end
from affectstream.producers.gateway.handed import Handed, named, resumed, stand_ins
from affectstream.producers.gateway.intake import carried_on, place, taken_in
from affectstream.runtime.handovers import Handovers
from affectstream.runtime.journal import ALIVE_S, Journal
from affectstream.runtime.redis_client import soon
from affectstream.schemas.errors import AffectError, Unavailable

ASK_S = 2.0  # platforms wait longer for an answer
TAKEN_S = 2.0
PERIOD_S = 0.25

log = structlog.get_logger(__name__)


async def continued(gate: Gate, event: Started, protocol: str) -> Taken | None:
    """Return the call that ``event`` continues where another process has it, or had it and died; else None.

    Raises Fault where it may not be processed any more.
    """
    if not event.continues:
        return None
    names = [named(key(gate, event, each)) for each in reversed(event.continues)]
    try:
        given = await _given(gate, names, bool(event.stream_id))
    except Unavailable as error:
        log.warning("call_not_asked_for", why=str(error))
        return None
    return await _resumed(gate, event, msgspec.json.decode(given, type=Handed), protocol) if given else None


async def _given(gate: Gate, names: Sequence[str], by_id: bool) -> str | None:
    """Return the state of a call; from a process that lives only where the stream is continued ``by_id``.

    A process that lives and does not answer learns from the journal that it has lost the call.
    """
    journal = gate.journal
    place = await soon(journal.find(names)) if journal else None
    if by_id and gate.handovers and not (journal and place and not await journal.alive(place.owner)):
        if given := await gate.handovers.ask(names, ASK_S):
            return given
        place = await journal.find(names) if journal else None
    if journal is None or place is None:
        return None
    return await journal.take(place) if by_id or await _is_dead(journal, place.owner) else None


async def _is_dead(journal: Journal, owner: str) -> bool:
    """Say whether a process is dead, or shows no sign of life for as long as it takes to count as dead."""
    deadline_s = asyncio.get_running_loop().time() + ALIVE_S + PERIOD_S
    while await journal.alive(owner):
        if asyncio.get_running_loop().time() >= deadline_s:
            return False
        await asyncio.sleep(PERIOD_S)
    return True


async def _resumed(gate: Gate, event: Started, handed: Handed, protocol: str) -> Taken:
    if gate.permission:
        await gate.permission.admit(handed.session_id)
    plan = carried_on(gate, event, handed)
    async with AsyncExitStack() as exits:
        exits.enter_context(place(gate, plan.session_id, plan.permitted, handed.run))
        taken = taken_in(gate, event, resumed(plan, handed, event.words), exits, protocol)
        await taken.noted.write()
        await taken.send(stand_ins(plan, handed))
        taken.exits = exits.pop_all()
    return taken


class Handing:
    """What one process gives to others that ask for it."""

    def __init__(self, gate: Gate, handovers: Handovers) -> None:
        self._gate, self._handovers = gate, handovers
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Give what is asked for, until cancelled."""
        while True:
            try:
                asked = await self._handovers.asked() if self._gate.streams.known else set()
            except Unavailable as error:
                log.warning("handovers_not_read", why=str(error))
                asked = set()
            for stream in [each for each in self._gate.streams.known if named(each) in asked]:
                task = asyncio.create_task(self._give(stream))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            await asyncio.sleep(PERIOD_S)

    async def _give(self, stream: StreamKey) -> None:
        taken = await self._gate.streams.take([stream])
        if taken is None:
            return
        async with taken.exits:
            with suppress(AffectError, Fault):
                await taken.send(taken.call.rest())
                await taken.outbox.flush()
                state = msgspec.json.encode(taken.noted.state).decode()
                if await self._handovers.give(named(stream), state, TAKEN_S):
                    taken.leave()
                    record_end(taken.protocol, taken.call, "handed_over")
                    return
            log.warning("call_not_handed_over", session=taken.call.plan.session_id)
            await taken.finish()
