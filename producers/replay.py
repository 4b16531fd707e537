"""Replay of a recorded session: at its own pace, N times as fast, or as fast as it is read."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

import structlog

from affectstream.producers.flow import Limits, Unread
from affectstream.producers.playback import Control, Playable
from affectstream.runtime.kafka import topic_of
from affectstream.schemas.due import due_ms
from affectstream.schemas.errors import InputError
from affectstream.schemas.messages import AudioChunk, Observations, Transcript, VideoFrame
from affectstream.schemas.topics import MEDIA, PROBABILITIES

Send = Callable[[Playable], Awaitable[Awaitable[None] | None]]
"""Publisher.send: hands a message over; what it returns, if anything, is done once the broker has it."""
Lag = Callable[[str], Awaitable[Mapping[int, int]]]
"""Topic to unread records per partition."""
Progress = Callable[[Playable], None]
Clock = Callable[[], float]
Sleep = Callable[[float], Awaitable[None]]
T = TypeVar("T")

POLL_S = 0.05
WARN_AFTER_S = 30.0
MOST_UNACKNOWLEDGED = 256
ENVELOPE_BYTES = 300

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Played:
    """What was sent and acknowledged."""

    records: int
    payload_bytes: int


class Player:
    """The progress of one replay: what is unread, and what is not acknowledged yet."""

    def __init__(self, send: Send, lag: Lag | None, limits: Limits, sleep: Sleep) -> None:
        self._send, self._lag, self._sleep = send, lag, sleep
        self._unread = {topic.name: Unread(limits) for topic in (*MEDIA.values(), PROBABILITIES)}
        self._acks: deque[asyncio.Future[None]] = deque()
        self.records = self.payload_bytes = 0

    async def deliver(self, message: Playable) -> None:
        """Send one message as soon as its readers have room; raises the failure of an earlier one."""
        topic, size = topic_of(message).name, payload_bytes(message)
        await self._room(topic)
        ack = await self._send(message)
        if ack is not None:
            self._acks.append(asyncio.ensure_future(ack))
        if self._lag is not None:
            self._unread[topic].sent(size + ENVELOPE_BYTES)
        self.records += 1
        self.payload_bytes += size
        while self._acks and (self._acks[0].done() or len(self._acks) > MOST_UNACKNOWLEDGED):
            await asyncio.shield(self._acks[0])
            self._acks.popleft()

    async def acknowledged(self) -> None:
        """Wait until everything sent is acknowledged or has failed."""
        if self._acks:
            await asyncio.wait(self._acks)

    async def settle(self) -> None:
        """Wait until everything sent is acknowledged; raises the first failure."""
        await self.acknowledged()
        while self._acks:
            self._acks.popleft().result()

    async def _room(self, topic: str) -> None:
        unread = self._unread[topic]
        if self._lag is None or not unread.full:
            return
        waited_s = 0.0
        while True:
            unread.update(max((await self._lag(topic)).values(), default=0))
            if unread.drained:
                return
            await self._sleep(POLL_S)
            waited_s += POLL_S
            if waited_s >= WARN_AFTER_S:
                log.warning("consumers_not_reading", topic=topic)
                waited_s = 0.0


async def play(
    messages: Iterator[Playable],
    send: Send,
    speed: float | None,
    lag: Lag | None = None,
    progress: Progress | None = None,
    *,
    control: Control | None = None,
    limits: Limits = Limits(),  # noqa: B008  # frozen
    clock: Clock = time.monotonic,
    sleep: Sleep = asyncio.sleep,
) -> Played:
    """Send all messages in order, each when due at ``speed`` (None: at once), and wait for the last ack.

    With ``lag``, sending stops while more lies unread than ``limits`` allow; a paced replay then catches up.
    On cancellation what was sent is still waited for: a message is acknowledged or was never sent.
    ``control`` pauses and resumes; seeks are up to ``messages``.
    """
    if speed is not None and not speed > 0:
        raise InputError(f"a speed of {speed:g} is not possible; 1 is real time, 10 ten times as fast")
    player = Player(send, lag, limits, sleep)
    pace = _Pace(speed, clock, sleep, control)
    upcoming = _ahead(messages)
    try:
        while (message := await asyncio.shield(upcoming)) is not None:
            upcoming = _ahead(messages)
            await pace.until(message)
            await player.deliver(message)
            if progress is not None:
                progress(message)
        await player.settle()
    finally:
        await _uninterrupted(asyncio.gather(upcoming, player.acknowledged(), return_exceptions=True))
    return Played(player.records, player.payload_bytes)


class _Pace:
    """Sleeps until a message is due; event time runs from the start of the first one."""

    def __init__(
        self, speed: float | None, clock: Clock, sleep: Sleep, control: Control | None = None
    ) -> None:
        self._speed, self._clock, self._sleep, self._control = speed, clock, sleep, control
        self._zero: tuple[float, int] | None = None  # (clock in s, event time in ms)

    async def until(self, message: Playable) -> None:
        if self._speed is not None:
            self._zero = self._zero or (self._clock(), _start_ms(message))
            while (wait_s := self._due_s(message, self._speed) - self._clock()) > 0:
                await self._sleep(min(wait_s, POLL_S) if self._control else wait_s)
                await self._resumed()
        await self._resumed()

    def _due_s(self, message: Playable, speed: float) -> float:
        assert self._zero
        return self._zero[0] + (due_ms(message) - self._zero[1]) / 1000 / speed

    async def _resumed(self) -> None:
        """Wait while the replay is paused; what follows is due so much later."""
        if self._control is None or not self._control.paused:
            return
        since_s = self._clock()
        while self._control.paused and not self._control.stopped:
            await self._sleep(POLL_S)
        if self._zero:
            self._zero = self._zero[0] + self._clock() - since_s, self._zero[1]


def _start_ms(message: Playable) -> int:
    return message.items[0].start_ms if isinstance(message, Observations) else message.start_ms


def payload_bytes(message: Playable) -> int:
    """Return the size of the media in a message."""
    match message:
        case VideoFrame():
            return len(message.jpeg)
        case AudioChunk():
            return len(message.pcm)
        case Transcript():
            return sum(len(text.encode()) for text in (message.text, *message.context))
    return 0


def _ahead(messages: Iterator[Playable]) -> asyncio.Future[Playable | None]:
    """Decode the next message in a thread, while the message before it is sent; None at the end."""
    return asyncio.ensure_future(asyncio.to_thread(next, messages, None))


async def _uninterrupted(work: asyncio.Future[T]) -> None:
    """Wait for ``work`` even if cancelled meanwhile; the cancellation is raised after it."""
    cancelled = False
    while not work.done():
        try:
            await asyncio.shield(work)
        except asyncio.CancelledError:
            cancelled = True
    if cancelled:
        raise asyncio.CancelledError
