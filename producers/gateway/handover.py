"""A call that goes on at another process of the gateway: what the old one states of it for the new one.

The old process sends all sound that it has, also of a hop that is not complete. The new one begins there,
without the sound before it: its first chunk has no context. Redis holds no sound of a call.
"""

import asyncio
import hashlib
from collections import Counter
from contextlib import AsyncExitStack, suppress
from dataclasses import replace

import msgspec
import structlog

from affectstream.producers.gateway.call import Call
from affectstream.producers.gateway.continuing import StreamKey
from affectstream.producers.gateway.events import Started
from affectstream.producers.gateway.gate import Gate, Taken, key, record_end
from affectstream.producers.gateway.intake import place, planned, taken_in
from affectstream.producers.gateway.lane import Lane
from affectstream.producers.gateway.progress import Progress
from affectstream.producers.gateway.speech import SpeechLane
from affectstream.runtime.handovers import Handovers
from affectstream.schemas.errors import AffectError, Unavailable
from affectstream.schemas.messages import Modality, Party

ASK_S = 2.0  # platforms wait longer for an answer
TAKEN_S = 2.0
PERIOD_S = 0.25

log = structlog.get_logger(__name__)


class Sound(msgspec.Struct, frozen=True):
    """How far the sound of a party has been sent."""

    rate_hz: int
    end_ms: int


class Handed(msgspec.Struct, frozen=True):
    """What goes on of a call: no sound, no words."""

    session_id: str
    run: str
    zero_ms: int
    sound: dict[Party, Sound]
    words_ms: dict[Party, int]  # up to where they are settled
    numbers: list[tuple[Party, Modality, int]]  # of the next message


def named(stream: StreamKey) -> str:
    """Return the name by which a stream is asked for."""
    session_id, parties, stream_id = stream
    return hashlib.sha256("\0".join([session_id, *sorted(parties), stream_id]).encode()).hexdigest()


async def continued(gate: Gate, event: Started, protocol: str) -> Taken | None:
    """Return the call that ``event`` continues where another process has it; None where none does.

    Raises Fault where it may not be processed any more.
    """
    if gate.handovers is None or not event.continues:
        return None
    names = [named(key(gate, event, each)) for each in reversed(event.continues)]
    try:
        given = await gate.handovers.ask(names, ASK_S)
    except Unavailable as error:
        log.warning("call_not_asked_for", why=str(error))
        return None
    return await _resumed(gate, event, msgspec.json.decode(given, type=Handed), protocol) if given else None


async def _resumed(gate: Gate, event: Started, handed: Handed, protocol: str) -> Taken:
    if gate.permission:
        await gate.permission.admit(handed.session_id)
    plan = planned(gate, event, handed.session_id)
    plan = replace(plan, run=handed.run, zero_ms=handed.zero_ms, words=tuple(handed.words_ms))
    async with AsyncExitStack() as exits:
        exits.enter_context(place(gate, plan.session_id, plan.permitted, handed.run))
        speech = SpeechLane(plan.redact)
        speech.resume(handed.words_ms)
        lanes = {
            party: Lane(sound.rate_hz, plan.chunk_ms, plan.hop_ms, plan.zero_ms, sound.end_ms)
            for party, sound in handed.sound.items()
        }
        numbers = Counter({(party, modality): number for party, modality, number in handed.numbers})
        call = Call(plan, Progress(speech, lanes, numbers=numbers))
        return taken_in(gate, event, call, exits.pop_all(), protocol)


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
            with suppress(AffectError):
                await taken.send(taken.call.rest())
                await taken.outbox.flush()
                state = msgspec.json.encode(_state(taken.call)).decode()
                if await self._handovers.give(named(stream), state, TAKEN_S):
                    taken.leave()
                    record_end(taken.protocol, taken.call, "handed_over")
                    return
            log.warning("call_not_handed_over", session=taken.call.plan.session_id)
            await taken.finish()


def _state(call: Call) -> Handed:
    plan, progress = call.plan, call.progress
    return Handed(
        plan.session_id,
        plan.run,
        plan.zero_ms,
        {party: Sound(rate_hz, end_ms) for party, (rate_hz, end_ms) in progress.sound.items()},
        progress.words_ms,
        [(party, modality, number) for (party, modality), number in progress.numbers.items()],
    )
