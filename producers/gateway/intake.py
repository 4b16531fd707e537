"""How a call is taken in: its plan, its session and run, and the places of its parties."""

from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import replace

import structlog

from affectstream.producers.gateway.call import Call
from affectstream.producers.gateway.call_plan import CallPlan
from affectstream.producers.gateway.events import Fault, Started
from affectstream.producers.gateway.gate import Gate, Taken, key
from affectstream.producers.gateway.handed import Handed, named
from affectstream.producers.gateway.noted import Noted
from affectstream.producers.gateway.outbox import Outbox
from affectstream.runtime.metrics import GATEWAY_STREAMS
from affectstream.runtime.redis_client import soon
from affectstream.schemas.errors import Unavailable
from affectstream.schemas.messages import Party

MOST_SESSIONS = 9  # of one call that has several streams, none of which continues another

log = structlog.get_logger(__name__)


async def go_on(gate: Gate, event: Started) -> Taken | None:
    """Take over the call of a stream that this one continues; None where there is none in this process."""
    taken = await gate.streams.take([key(gate, event, each) for each in event.continues])
    if taken is not None:
        await taken.noted.rename(named(key(gate, event, event.stream_id)))
    return taken


async def begin(gate: Gate, event: Started, protocol: str) -> Taken:
    """Take a call in; raises Fault where it may not be processed, or was before.

    Where a call may have several streams one after the other, the second is a session of its own.
    """
    first = gate.ids.of(event.call_id)
    plan = planned(gate, event, first)
    if not plan.permitted:
        raise Fault("agent_not_permitted")
    if gate.permission:
        await gate.permission.admit(first)
    for number in range(1, MOST_SESSIONS + 1):
        session_id = first if number == 1 else f"{first[:61]}-{number}"
        try:
            async with AsyncExitStack() as exits:
                if gate.permission:
                    await gate.permission.admit(session_id)
                run = exits.enter_context(place(gate, session_id, plan.permitted))
                await _claim(gate, session_id, run)
                call = Call(replace(plan, session_id=session_id, run=run))
                taken = taken_in(gate, event, call, exits, protocol)
                await taken.noted.write()
                taken.exits = exits.pop_all()
                return taken
        except Fault:
            if not event.several or number == MOST_SESSIONS:
                raise
    raise AssertionError("the last number raises")


def planned(gate: Gate, event: Started, session_id: str) -> CallPlan:
    """Return the plan of a call that begins now, without its run."""
    producer, policy = gate.settings.producer, gate.settings.policy
    return CallPlan(
        session_id,
        gate.now_ms(),
        event.parties,
        event.video,
        policy.agent_purpose,
        producer.chunk_ms,
        producer.hop_ms,
        words=event.words,
        transcribe=gate.settings.asr.enabled,
        redact=policy.redact,
    )


def carried_on(gate: Gate, event: Started, handed: Handed) -> CallPlan:
    """Return the plan of a call that another process began, by the run and the zero that it has."""
    words = tuple(dict.fromkeys((*event.words, *handed.words_ms)))
    plan = planned(gate, event, handed.session_id)
    return replace(plan, run=handed.run, zero_ms=handed.zero_ms, words=words)


@contextmanager
def place(gate: Gate, session_id: str, parties: tuple[Party, ...], run: str = "") -> Iterator[str]:
    """Hold the places of a session's parties while the context is open; yields its run, or raises Fault."""
    with gate.places.taken(session_id, parties, run) as held:
        if held is None:
            raise Fault("session_taken")
        yield held


def taken_in(gate: Gate, event: Started, call: Call, exits: AsyncExitStack, protocol: str) -> Taken:
    """Return a call with the way of its messages; ``exits`` give its places back."""
    if gate.permission:
        exits.enter_context(gate.permission.following(call))
    noted = Noted(gate.journal, named(key(gate, event, event.stream_id)), protocol, call, gate.send)
    taken = Taken(protocol, call, exits, Outbox(noted.send, call.dropped), noted)
    exits.push_async_callback(noted.forget)
    GATEWAY_STREAMS.labels(protocol).inc()
    exits.callback(GATEWAY_STREAMS.labels(protocol).dec)
    exits.enter_context(_known(gate, gate.ids.of(event.call_id), taken))
    return taken


@contextmanager
def _known(gate: Gate, session_id: str, taken: Taken) -> Iterator[None]:
    """Let streams of words find the call while the context is open."""
    running = gate.running.setdefault(session_id, [])
    running.append(taken)
    try:
        yield
    finally:
        running.remove(taken)
        if not running:
            gate.running.pop(session_id, None)


async def _claim(gate: Gate, session_id: str, run: str) -> None:
    """Refuse a call that was sent before; where Redis cannot tell, the fusion process does."""
    if gate.store is None:
        return
    try:
        found = await soon(gate.store.claim_run(session_id, run))
    except Unavailable as error:
        log.warning("session_not_checked", why=str(error))
        return
    if found is not None and run not in (found.kept, *found.claims[-1:]):
        raise Fault("sent_before")
