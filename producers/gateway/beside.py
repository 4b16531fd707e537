"""Words of a recogniser beside a call that another stream brings: they join it by its call id."""

import asyncio
import json
from collections.abc import Callable, Iterable
from contextlib import suppress

import structlog

from affectstream.producers.gateway.connection import START_S, Receive, Replying
from affectstream.producers.gateway.events import (
    Dropped,
    Ended,
    Event,
    Fault,
    Refused,
    Reply,
    Started,
    StreamMessage,
    Words,
    events_of,
)
from affectstream.producers.gateway.gate import Gate, Taken
from affectstream.producers.gateway.plain import Plain
from affectstream.runtime.metrics import GATEWAY_DROPPED, GATEWAY_REFUSED
from affectstream.schemas.messages import Party

NAME = "words"

log = structlog.get_logger(__name__)


class WordsBeside:
    """One stream of words, from its first message to its end or the call's.

    It may be silent for as long as the call goes on. Where it breaks off, another one may take its place.
    """

    def __init__(self, gate: Gate, reply: Replying, stop: Callable[[], None]) -> None:
        """``stop`` is called once the call is over: nothing more is received then."""
        self.refusal = ""
        self._gate, self._reply, self._stop = gate, reply, stop
        self._protocol = Plain(beside=True)
        self._taken: Taken | None = None
        self._parties: tuple[Party, ...] = ()
        self._over = False

    async def run(self, receive: Receive) -> None:
        """Process what arrives until the stream or its call is over."""
        try:
            while not self._over:
                async with asyncio.timeout(None if self._taken else START_S):
                    data = await receive()
                if data is None:
                    break
                await self._handle_all(events_of(self._protocol, data))
        except TimeoutError:
            await self._refuse("no_start")
        finally:
            await self._leave()

    async def _leave(self) -> None:
        if self._taken is None:
            return
        self._taken.on_end.discard(self._stop)
        self._taken.call.detach(self._parties, goes_on=not self._over)
        if self._taken.over and not self._over:
            with suppress(OSError):
                await self._reply(json.dumps({"type": "ended"}))

    async def _handle_all(self, events: Iterable[Event | StreamMessage]) -> None:
        for event in events:
            try:
                await self._handle(event)
            except Fault as fault:
                await self._refuse(fault.reason)
            if self._over:
                return

    async def _handle(self, event: Event | StreamMessage) -> None:
        match event:
            case Words() if self._taken:
                await self._taken.send(self._taken.call.messages(event))
            case Started():
                await self._start(event)
            case Dropped():
                GATEWAY_DROPPED.labels(NAME, event.reason).inc()
            case Reply():
                await self._reply(event.data)
            case Ended():
                self._over = True
            case Refused():
                raise Fault(event.reason)
            case _:
                raise Fault("unknown_type")  # pauses and consent are the call's own stream's

    async def _start(self, event: Started) -> None:
        """Join the newest stream of the call that carries all of the parties; raises Fault."""
        self._gate.admit_token(event.token)
        found = self._gate.running.get(self._gate.ids.of(event.call_id), [])
        if not found:
            raise Fault("no_such_call")
        taken = next((each for each in reversed(found) if {*event.words} <= {*each.call.plan.parties}), None)
        if taken is None:
            raise Fault("no_such_party")
        call = taken.call
        at_ms = int(call.head_ms)
        await taken.send(call.attach(event.words))
        self._taken, self._parties = taken, event.words
        taken.on_end.add(self._stop)
        log.info("words_attached", session=call.plan.session_id, parties=event.words)
        known = {"session": call.plan.session_id, "start_ms": call.plan.zero_ms, "at_ms": at_ms}
        await self._reply(json.dumps({"type": "started", **known}))

    async def _refuse(self, reason: str) -> None:
        self._over, self.refusal = True, reason
        GATEWAY_REFUSED.labels(NAME, reason).inc()
        log.warning("stream_refused", protocol=NAME, reason=reason)
        await self._reply(json.dumps({"type": "refused", "reason": reason}))
