"""One connection to the gateway: its protocol's events become messages on their topics, with back-pressure.

A connection holds a few messages, the frames that wait for those before them, and what its ``Outbox`` has on
its way. While the broker is slow, nothing more is read from the connection. Where the protocol
lets another stream continue a call, one whose connection broke off waits for it before it is ended.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, suppress
from types import TracebackType
from typing import Self

import structlog

from affectstream.producers.gateway.call import Call
from affectstream.producers.gateway.continuing import StreamKey
from affectstream.producers.gateway.events import (
    Consented,
    Data,
    Dropped,
    Ended,
    Event,
    Fault,
    Heard,
    OfCall,
    Paused,
    Refused,
    Reply,
    Resumed,
    Started,
    StreamMessage,
    StreamProtocol,
    Texts,
    Todo,
    events_of,
)
from affectstream.producers.gateway.gate import Gate, Taken, key, record_end
from affectstream.producers.gateway.handover import continued
from affectstream.producers.gateway.intake import begin, go_on
from affectstream.runtime.metrics import GATEWAY_DROPPED, GATEWAY_REFUSED

Receive = Callable[[], Awaitable[Data | Todo | None]]
"""The next message or bytes of a connection, or what `take` left of one; None at its end."""
Replying = Callable[[str | bytes], Awaitable[None]]

START_S = 10.0  # a connection that names no call by then is closed
AHEAD_MS = 10_000  # of stream time may come at once, as after a stall of the network
LONGEST_SLEEP_S = 0.5
CLOSE_S = 10.0  # for the other side to close a connection whose stream is over, where that is its part
CONTINUED = frozenset({"reconnect", "disconnected"})

log = structlog.get_logger(__name__)


class Connection:
    """One stream, from its first message to the end of its session."""

    def __init__(self, name: str, protocol: StreamProtocol, gate: Gate, reply: Replying) -> None:
        self.over = False
        self.refusal = ""
        self._name, self._protocol, self._gate, self._reply = name, protocol, gate, reply
        self.gathers = protocol.gathers
        self._taken: Taken | None = None
        self._reason = "disconnected"
        self._own = AsyncExitStack()
        self._key: StreamKey | None = None
        self._gone = self._told = False
        self._busy = False
        self._seen_s = time.monotonic()  # when something came last

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the session of the call with all that was received, or let another stream go on with it."""
        async with self._own:
            elsewhere = not self._gate.stopping.is_set() or self._gate.handovers is not None
            if self._taken and self._key and self._reason in CONTINUED and elsewhere:
                self._gate.streams.wait(self._key)
                return
            if self._key and self._taken:
                self._gate.streams.gone(self._key)
            await self.finish()

    async def finish(self) -> None:
        """End the session of the call with all that was received of it."""
        if self._taken is not None:
            async with self._taken.exits:
                await self._finish(self._taken)

    async def release(self) -> Taken | None:
        """Give the call up, for the stream that continues it; this one is over."""
        taken, self._taken, self.over = self._taken, None, True
        if taken is not None:
            async with taken.sending:  # what is being sent is before what the other stream sends
                pass
        return taken

    async def run(self, receive: Receive) -> None:
        """Process what arrives until the stream is over, idle for too long, or disconnected."""
        settings = self._gate.settings.gateway
        while not self.over:
            wait_s = self._seen_s + (settings.idle_s if self._taken else START_S) - time.monotonic()
            try:
                async with asyncio.timeout(max(0.0, wait_s)):
                    data = await receive()
            except TimeoutError:
                if self._taken and time.monotonic() - self._seen_s < settings.idle_s:
                    continue  # what came since was taken at once
                self._end("idle" if self._taken else "no_start")
                return
            if data is None:
                self._gone = True
                return
            self._busy = True
            await self.feed(data)
            self._busy = False

    def take(self, data: Data) -> Data | Todo | None:
        """Process a message at once, where nothing has to be waited for; returns what is left for `run`.

        Of the hundred frames that a second of a call has, a handful completes a message.
        """
        if self._taken is None or self._busy or self.over:
            return data
        self._seen_s = time.monotonic()
        receive, receive_all = self._protocol.receive, self._protocol.receive_all
        return self._taken.call.left_of(receive_all(data) if isinstance(data, Texts) else receive(data))

    async def linger(self, receive: Receive, fault: str = "") -> None:
        """Wait until the other side closes the connection, where that is its part; nothing is processed.

        It is told that the stream is over, or of the ``fault`` by which it ended here.
        """
        self.over = True
        if self._gone or not self._protocol.client_closes:
            return
        end = self._protocol.refused(fault) if fault else self._protocol.ended(self._reason)
        await self._answer(end)
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                while (data := await receive()) is not None:
                    await self._answer(events_of(self._protocol, data))

    async def _answer(self, events: Iterable[Event | StreamMessage]) -> None:
        for event in events:
            if isinstance(event, Reply):
                await self._reply(event.data)

    async def feed(self, data: Data | Todo) -> None:
        """Process one message, or the next bytes; slows a stream down that is faster than it may be."""
        if self._taken:
            self._seen_s = time.monotonic()
        await self._handle_all(events_of(self._protocol, data))
        if self._taken is None or self.over:
            return
        call, settings = self._taken.call, self._gate.settings.gateway
        await self._send_back(call)
        if call.head_ms > settings.longest_s * 1000:
            self._end("too_long")
        while not (self.over or self._gate.stopping.is_set()):
            elapsed_ms = (time.monotonic() - self._taken.began_s) * 1000
            ahead_ms = call.head_ms - AHEAD_MS - settings.max_speed * elapsed_ms
            if ahead_ms <= 0:
                return
            await asyncio.sleep(min(LONGEST_SLEEP_S, ahead_ms / 1000 / settings.max_speed))

    async def _send_back(self, call: Call) -> None:
        """Send back what the other side asked for: the newest windows, and that this process will stop."""
        feedback, plan = self._gate.feedback, call.plan
        if feedback and (finals := feedback.taken(plan.session_id, plan.permitted)):
            await self._answer(self._protocol.emotions(finals, plan.zero_ms))
        if self._gate.stopping.is_set() and not self._told:
            self._told = True
            await self._answer(self._protocol.stopping())

    async def _handle_all(self, events: Iterable[Event | StreamMessage]) -> None:
        for event in events:
            try:
                await self._handle(event)
            except Fault as fault:
                await self._refuse(fault.reason)
            if self.over:
                return

    async def _handle(self, event: Event | StreamMessage) -> None:
        if isinstance(event, StreamMessage | OfCall | Consented):
            if self._taken:
                await self._take(self._taken, event)
            return
        match event:
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

    async def _take(self, taken: Taken, event: StreamMessage | OfCall | Consented) -> None:
        if isinstance(event, StreamMessage):
            await taken.send([event])
        elif not isinstance(event, Consented):
            await taken.send(taken.call.messages(event))
        if isinstance(event, Paused | Resumed):
            await taken.noted.write()
        if self._gate.permission and isinstance(event, Paused | Resumed | Consented):
            await self._gate.permission.steered(taken.call.plan.session_id, event, f"gateway {self._name}")

    async def _start(self, event: Started) -> None:
        gate = self._gate
        gate.admit_token(event.token)
        earlier = await go_on(gate, event) or await continued(gate, event, self._name)
        self._taken = taken = earlier or await begin(gate, event, self._name)
        plan, heard = taken.call.plan, None
        if earlier:
            heard = Heard(round(taken.call.head_ms), gate.now_ms() - plan.zero_ms)
        if event.stream_id:
            self._key = key(gate, event, event.stream_id)
            gate.streams.connected(self._key, self)
        shown = {"session": plan.session_id, "parties": plan.permitted, "start_ms": plan.zero_ms}
        log.info("call_continued" if heard else "call_started", protocol=self._name, **shown)
        if gate.feedback and self._protocol.asks_emotions:
            self._own.enter_context(gate.feedback.asked(plan.session_id, plan.permitted))
        await self._handle_all(self._protocol.admitted(plan.session_id, heard))

    async def _refuse(self, reason: str) -> None:
        self._end(reason)
        self.refusal = reason
        GATEWAY_REFUSED.labels(self._name, reason).inc()
        log.warning("stream_refused", protocol=self._name, reason=reason)
        await self._answer(self._protocol.refused(reason))

    def _end(self, reason: str) -> None:
        self.over, self._reason = True, reason

    async def _finish(self, taken: Taken) -> None:
        await taken.finish()
        record_end(self._name, taken.call, self._reason)
