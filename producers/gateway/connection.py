"""One connection to the gateway: its protocol's events become messages on their topics, with back-pressure.

A connection holds one message, the frames that wait for those before them, and ``MOST_UNACKNOWLEDGED``
messages on their way. While the broker is slow, nothing more is read from the connection.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Self

import structlog

from affectstream.producers.gateway.admission import Places, SessionIds, Tokens
from affectstream.producers.gateway.call import Call, CallPlan, Fault, StreamMessage
from affectstream.producers.gateway.events import (
    Audio,
    Dropped,
    Ended,
    Event,
    Paused,
    Picture,
    Refused,
    Reply,
    Resumed,
    Started,
    StreamProtocol,
)
from affectstream.runtime.metrics import (
    GATEWAY_DROPPED,
    GATEWAY_FILLED_SECONDS,
    GATEWAY_REFUSED,
    GATEWAY_STREAMS,
)
from affectstream.runtime.settings import Settings
from affectstream.runtime.store import FusedStore
from affectstream.schemas.errors import Unavailable

Send = Callable[[StreamMessage], Awaitable[Awaitable[None]]]
Receive = Callable[[], Awaitable[str | bytes | None]]
"""The next message or bytes of a connection, None at its end."""
Replying = Callable[[str | bytes], Awaitable[None]]

MOST_UNACKNOWLEDGED = 8
START_S = 10.0  # a connection that names no call by then is closed
AHEAD_MS = 10_000  # of stream time may come at once, as after a stall of the network
LONGEST_SLEEP_S = 0.5

log = structlog.get_logger(__name__)


@dataclass
class Gate:
    """What all connections share."""

    settings: Settings
    send: Send
    places: Places
    ids: SessionIds
    tokens: Tokens | None
    now_ms: Callable[[], int]  # since the epoch
    store: FusedStore | None = None
    stopping: asyncio.Event = field(default_factory=asyncio.Event)


class Connection:
    """One stream, from its first message to the end of its session."""

    def __init__(self, name: str, protocol: StreamProtocol, gate: Gate, reply: Replying) -> None:
        self.over = False
        self.refusal = ""
        self._name, self._protocol, self._gate, self._reply = name, protocol, gate, reply
        self._call: Call | None = None
        self._reason = "disconnected"
        self._acks: deque[Awaitable[None]] = deque()
        self._exits = AsyncExitStack()
        self._began_s = time.monotonic()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the session of the call with all that was received of it."""
        async with self._exits:
            if self._call is not None:
                await self._finish(self._call)

    async def run(self, receive: Receive) -> None:
        """Process what arrives until the stream is over, idle for too long, or disconnected."""
        settings = self._gate.settings.gateway
        while not self.over:
            wait_s = settings.idle_s if self._call else START_S - (time.monotonic() - self._began_s)
            try:
                async with asyncio.timeout(max(0.0, wait_s)):
                    data = await receive()
            except TimeoutError:
                self._end("idle" if self._call else "no_start")
                return
            if data is None:
                return
            await self.feed(data)

    async def feed(self, data: str | bytes) -> None:
        """Process one message, or the next bytes; slows a stream down that is faster than it may be."""
        await self._handle_all(self._protocol.receive(data))
        if self._call is None or self.over:
            return
        settings = self._gate.settings.gateway
        if self._call.head_ms > settings.longest_s * 1000:
            self._end("too_long")
        while not (self.over or self._gate.stopping.is_set()):
            elapsed_ms = (time.monotonic() - self._began_s) * 1000
            ahead_ms = self._call.head_ms - AHEAD_MS - settings.max_speed * elapsed_ms
            if ahead_ms <= 0:
                return
            await asyncio.sleep(min(LONGEST_SLEEP_S, ahead_ms / 1000 / settings.max_speed))

    async def _handle_all(self, events: Iterable[Event]) -> None:
        for event in events:
            try:
                await self._handle(event)
            except Fault as fault:
                await self._refuse(fault.reason)
            if self.over:
                return

    async def _handle(self, event: Event) -> None:
        match event:
            case Audio() | Picture() | Paused() | Resumed():
                if self._call:
                    await self._send(self._call.messages(event))
            case Started():
                await self._start(event)
            case Dropped():
                GATEWAY_DROPPED.labels(self._name, event.reason).inc()
            case Ended():
                self._end(event.reason)
            case Refused():
                await self._refuse(event.reason)
            case Reply():
                await self._reply(event.data)

    async def _start(self, event: Started) -> None:
        gate = self._gate
        if gate.tokens and event.token is not None and not gate.tokens.spend(event.token):
            raise Fault("token")
        producer, purpose = gate.settings.producer, gate.settings.policy.agent_purpose
        session_id = gate.ids.of(event.call_id)
        lengths = producer.chunk_ms, producer.hop_ms
        plan = CallPlan(session_id, gate.now_ms(), event.parties, event.video, purpose, *lengths)
        if not plan.permitted:
            raise Fault("agent_not_permitted")
        run = self._exits.enter_context(gate.places.taken(session_id, plan.permitted))
        if run is None:
            raise Fault("session_taken")
        await self._claim(session_id, run)
        plan = replace(plan, run=run)
        self._call = Call(plan)
        GATEWAY_STREAMS.labels(self._name).inc()
        log.info(
            "call_started",
            protocol=self._name,
            session=session_id,
            parties=plan.permitted,
            start_ms=plan.zero_ms,
        )
        await self._handle_all(self._protocol.admitted(session_id))

    async def _claim(self, session_id: str, run: str) -> None:
        """Refuse a call that was sent before; where Redis cannot tell, the fusion process does."""
        if self._gate.store is None:
            return
        try:
            found = await self._gate.store.claim_run(session_id, run)
        except Unavailable as error:
            log.warning("session_not_checked", why=str(error))
            return
        if found is not None and run not in (found.kept, *found.claims[-1:]):
            raise Fault("sent_before")

    async def _refuse(self, reason: str) -> None:
        self._end(reason)
        self.refusal = reason
        GATEWAY_REFUSED.labels(self._name, reason).inc()
        log.warning("stream_refused", protocol=self._name, reason=reason)
        for event in self._protocol.refused(reason):
            if isinstance(event, Reply):
                await self._reply(event.data)

    def _end(self, reason: str) -> None:
        self.over, self._reason = True, reason

    async def _finish(self, call: Call) -> None:
        GATEWAY_STREAMS.labels(self._name).dec()
        await self._send(call.finish())
        while self._acks:
            await self._acks.popleft()
        for reason, count in call.dropped.items():
            GATEWAY_DROPPED.labels(self._name, reason).inc(count)
        GATEWAY_FILLED_SECONDS.labels(self._name).inc(call.filled_ms / 1000)
        log.info(
            "call_ended",
            protocol=self._name,
            session=call.plan.session_id,
            reason=self._reason,
            seconds=round(call.head_ms / 1000, 1),
            filled_ms=round(call.filled_ms),
            dropped={reason: n for reason, n in call.dropped.items() if n},
        )

    async def _send(self, messages: Iterable[StreamMessage]) -> None:
        for message in messages:
            self._acks.append(await self._gate.send(message))
            while len(self._acks) > MOST_UNACKNOWLEDGED:
                await self._acks.popleft()
