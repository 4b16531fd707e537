"""What all connections of the gateway share, and the calls that they have taken in."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field

import structlog

from affectstream.producers.gateway.admission import Places, Tokens
from affectstream.producers.gateway.call import Call
from affectstream.producers.gateway.continuing import StreamKey, Streams
from affectstream.producers.gateway.events import Fault, Started, StreamMessage
from affectstream.producers.gateway.feedback import Feedback
from affectstream.producers.gateway.noted import Noted
from affectstream.producers.gateway.outbox import Outbox, Send
from affectstream.producers.gateway.permission import Permission
from affectstream.producers.gateway.rounds import Rounds
from affectstream.producers.runs import new_run
from affectstream.producers.session_ids import SessionIds
from affectstream.runtime.handovers import Handovers
from affectstream.runtime.journal import Journal
from affectstream.runtime.metrics import GATEWAY_DELAY, GATEWAY_DROPPED, GATEWAY_FILLED_SECONDS
from affectstream.runtime.rates import Rates
from affectstream.runtime.settings import Settings
from affectstream.runtime.store import FusedStore
from affectstream.schemas.messages import AudioChunk

log = structlog.get_logger(__name__)


@dataclass
class Taken:
    """A call that is taken in, its places, and the way of its messages."""

    protocol: str
    call: Call
    exits: AsyncExitStack
    outbox: Outbox
    noted: Noted
    began_s: float = field(default_factory=time.monotonic)
    sending: asyncio.Lock = field(
        default_factory=asyncio.Lock
    )  # words may come by a stream beside the call's
    on_end: set[Callable[[], None]] = field(default_factory=set)  # told once, when the call is over
    over: bool = False

    async def send(self, messages: Iterable[StreamMessage]) -> None:
        """Send messages, made as they are sent, in one order whichever stream brought them; raises Fault."""
        async with self.sending:
            await self.outbox.send(messages)

    def leave(self) -> None:
        """Tell whoever is beside the call that it is over here."""
        self.over = True
        for tell in [*self.on_end]:
            tell()

    async def finish(self) -> None:
        """Send what is left of the call, with the ends of its streams, and wait until all is acknowledged."""
        self.leave()
        with suppress(Fault):  # another process has the call
            await self.send(self.call.finish())
        await self.outbox.flush()


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
    feedback: Feedback | None = None
    permission: Permission | None = None
    handovers: Handovers | None = None
    journal: Journal | None = None
    beside: Places = field(init=False)  # of the streams of words beside calls
    running: dict[str, list[Taken]] = field(default_factory=dict)  # by the session id of the call id
    streams: Streams[Taken] = field(init=False)
    rounds: Rounds = field(default_factory=Rounds, init=False)
    by_address: Rates = field(init=False)
    by_credential: Rates = field(init=False)  # of which many addresses may have the same

    def __post_init__(self) -> None:
        gateway = self.settings.gateway
        self.beside = Places(gateway.max_calls, new_run)
        self.streams = Streams(gateway.reconnect_s)
        self.by_address = Rates(gateway.new_per_minute, gateway.new_per_minute // 2)
        self.by_credential = Rates(gateway.new_per_credential, gateway.new_per_credential // 2)

    def admit_token(self, token: str | None) -> None:
        """Spend the token of a stream, where one is needed; raises Fault. None: its protocol has none."""
        if self.tokens is None or token is None:
            return
        if not self.tokens.spend(token):
            raise Fault("token")
        if not self.by_credential.take("token"):
            raise Fault("too_many")


def key(gate: Gate, event: Started, stream_id: str) -> StreamKey:
    """Return what a stream of this call and these parties is known by."""
    parties = frozenset((*event.parties, *event.video, *event.words))
    return gate.ids.of(event.call_id), parties, stream_id


def measured(send: Send, now_ms: Callable[[], int]) -> Send:
    """Return ``send`` with the delay of every chunk measured, from the end of its sound."""

    async def sent(message: StreamMessage) -> Awaitable[None]:
        ack = asyncio.ensure_future(await send(message))
        if isinstance(message, AudioChunk):
            end_ms = message.end_ms
            ack.add_done_callback(lambda _: GATEWAY_DELAY.observe(max(0, now_ms() - end_ms) / 1000))
        return ack

    return sent


def record_end(name: str, call: Call, reason: str) -> None:
    """Count what was dropped and missing of a call that is over, and log it; ``name`` is of the protocol."""
    for why, count in call.dropped.items():
        GATEWAY_DROPPED.labels(name, why).inc(count)
    GATEWAY_FILLED_SECONDS.labels(name).inc(call.progress.filled_ms / 1000)
    log.info(
        "call_ended",
        protocol=name,
        session=call.plan.session_id,
        reason=reason,
        seconds=round(call.head_ms / 1000, 1),
        filled_ms=round(call.progress.filled_ms),
        dropped={str(why): n for why, n in call.dropped.items() if n},
    )
