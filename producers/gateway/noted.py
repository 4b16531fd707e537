"""A call's place in the journal, written before each message is sent: a process may die at any moment.

What the journal says may be ahead of the topic by the messages that were on their way, never behind it: who
goes on with the call sends empty ones in their place, under the same numbers, and what arrived before counts.
"""

import asyncio
from collections.abc import Awaitable
from contextlib import suppress

import msgspec
import structlog

from affectstream.producers.gateway.call import Call
from affectstream.producers.gateway.events import Fault, StreamMessage
from affectstream.producers.gateway.handed import Handed, Sent, Sound
from affectstream.producers.gateway.outbox import Send
from affectstream.runtime.journal import Journal
from affectstream.schemas.errors import Unavailable
from affectstream.schemas.messages import AudioChunk, EndOfStream, Modality, Party

ELSEWHERE = "continued_elsewhere"

log = structlog.get_logger(__name__)

Number = tuple[Party, Modality, int]


class Noted:
    """The way of a call's messages by the journal, where there is one."""

    def __init__(self, journal: Journal | None, name: str, protocol: str, call: Call, send: Send) -> None:
        self._journal, self._name, self._protocol, self._call, self._send = (
            journal,
            name,
            protocol,
            call,
            send,
        )
        self._sound = {party: Sound(*sound) for party, sound in call.progress.sound.items()}
        self._on_the_way: dict[Number, Sent] = {}
        self._silent = False  # the journal does not answer, and the log says so

    @property
    def state(self) -> Handed:
        """Return what another process needs of the call: up to the newest message that was sent."""
        plan, progress = self._call.plan, self._call.progress
        return Handed(
            plan.session_id,
            plan.run,
            plan.zero_ms,
            self._sound,
            progress.words_ms,
            [(party, modality, number) for (party, modality), number in progress.numbers.items()],
            plan.parties,
            plan.video,
            progress.seen_ms,
            self._call.pauses.paused,
            (*self._on_the_way.values(),),
            self._protocol,
        )

    async def send(self, message: StreamMessage) -> Awaitable[None]:
        """Note a message, and send it; raises Fault where another process goes on with the call."""
        if isinstance(message, EndOfStream):  # whoever ends the call sends the same
            return await self._send(message)
        number = message.party, message.modality, message.seq
        zero_ms = self._call.plan.zero_ms
        times = (each - zero_ms for each in (message.start_ms, message.end_ms, message.watermark_ms))
        self._on_the_way[number] = Sent(*number, *times)
        if isinstance(message, AudioChunk):
            self._sound[message.party] = Sound(message.rate_hz, message.end_ms - zero_ms)
        try:
            await self.write()
            ack = asyncio.ensure_future(await self._send(message))
        except BaseException:
            del self._on_the_way[number]
            raise
        ack.add_done_callback(lambda _: self._on_the_way.pop(number, None))
        return ack

    async def write(self) -> None:
        """Note how far the call has come; raises Fault where another process goes on with it."""
        if self._journal is None:
            return
        try:
            kept = await self._journal.write(self._name, msgspec.json.encode(self.state).decode())
        except Unavailable:
            if not self._silent:
                log.warning("call_not_noted", session=self._call.plan.session_id)
            self._silent = True
            return
        self._silent = False
        if not kept:
            self._call.withdraw()
            raise Fault(ELSEWHERE)

    async def rename(self, name: str) -> None:
        """Go by the name of the stream that continues the call; raises Fault."""
        if name != self._name:
            await self.forget()
            self._name = name
        await self.write()

    async def forget(self) -> None:
        """Drop the call from the journal: it is over here."""
        if self._journal is not None:
            with suppress(Unavailable):
                await self._journal.forget(self._name)
