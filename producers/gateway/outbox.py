"""The messages of one call on their way to the broker: a handful, whatever the broker does.

While it takes none, the call waits, and its connection is not read. After ``PATIENCE_S`` what comes is left
out, so that the stream goes on; once the broker takes messages again, one chunk of silence stands for the
sound that was left out, and the voice model abstains on it::

    sound      1 2 3 4 5 6 7 8 9 10
    broker     ok ok . . . . . . ok ok
    sent       1 2 3 4 (5 to 8: silence) 9 10
"""

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterable

from affectstream.producers.gateway.events import StreamMessage
from affectstream.schemas.messages import AudioChunk, EndOfStream, Party, Transcript, VideoFrame

Send = Callable[[StreamMessage], Awaitable[Awaitable[None]]]

MOST_UNACKNOWLEDGED = 8
PATIENCE_S = 5.0
RETRY_S = 0.01  # that each message waits while the broker has stalled
SILENCE_MS = 100  # of sound in the chunk that stands for what was left out


class Outbox:
    """The way of one call's messages; ``dropped`` counts what is left out."""

    def __init__(self, send: Send, dropped: Counter[str], patience_s: float = PATIENCE_S) -> None:
        self._send, self._dropped, self._patience_s = send, dropped, patience_s
        self._acks: deque[asyncio.Future[None]] = deque()
        self._left_out: dict[Party, AudioChunk] = {}  # from the first chunk's beginning to the last one's end
        self._stalled = False

    async def send(self, messages: Iterable[StreamMessage]) -> None:
        """Send messages in order; leaves sound, pictures and words out while the broker has stalled."""
        for message in messages:
            if isinstance(message, EndOfStream):
                await self._fill()
                await self._hand_over(message)
                continue
            try:
                async with asyncio.timeout(RETRY_S if self._stalled else self._patience_s):
                    await self._room()
                    await self._fill()
                    await self._hand_over(message)
                self._stalled = False
            except TimeoutError:
                self._stalled = True
                self._leave_out(message)

    async def flush(self) -> None:
        """Wait until everything is acknowledged."""
        while self._acks:
            await self._acks.popleft()

    async def _room(self) -> None:
        """Wait until one more message may be on its way."""
        self._settle()
        while len(self._acks) > MOST_UNACKNOWLEDGED:
            await asyncio.wait([self._acks[0]])
            self._settle()

    def _settle(self) -> None:
        """Forget what is acknowledged; raises what became of a message that failed."""
        while self._acks and self._acks[0].done():
            self._acks.popleft().result()

    async def _hand_over(self, message: StreamMessage) -> None:
        self._acks.append(asyncio.ensure_future(await self._send(message)))

    def _leave_out(self, message: VideoFrame | AudioChunk | Transcript) -> None:
        self._dropped["broker"] += 1
        if isinstance(message, AudioChunk):
            first = self._left_out.get(message.party, message)
            begin = {"seq": first.seq, "start_ms": first.start_ms}
            silence = bytes(2 * message.rate_hz * SILENCE_MS // 1000)
            self._left_out[message.party] = message.model_copy(update={**begin, "pcm": silence})

    async def _fill(self) -> None:
        """Send the silence that stands for what was left out."""
        for party, chunk in [*self._left_out.items()]:
            await self._hand_over(chunk)
            del self._left_out[party]
