"""Calls between two of their streams: one that broke off, or is to be continued, waits for the next one."""

import asyncio
import time
from collections.abc import Collection, Sequence
from typing import Generic, Protocol, TypeVar

import structlog

from affectstream.schemas.errors import AffectError
from affectstream.schemas.messages import Party

POLL_S = 0.05

log = structlog.get_logger(__name__)

Handed = TypeVar("Handed", covariant=True)
StreamKey = tuple[str, frozenset[Party], str]
"""The session of the call, its parties, and the platform's id of the stream."""


class Stream(Protocol[Handed]):
    """What holds the call of a stream."""

    async def release(self) -> Handed | None:
        """Give the call up, for the stream that continues it."""
        ...

    async def finish(self) -> None:
        """End the call."""
        ...


class Streams(Generic[Handed]):
    """The streams that another one may continue, by their key: connected ones, and those that wait."""

    def __init__(self, wait_s: float) -> None:
        self._wait_s = wait_s
        self._known: dict[StreamKey, Stream[Handed]] = {}
        self._waiting: dict[StreamKey, asyncio.Task[None]] = {}

    @property
    def known(self) -> Collection[StreamKey]:
        """Return the streams that another one may continue."""
        return self._known.keys()

    def connected(self, key: StreamKey, stream: Stream[Handed]) -> None:
        """Let a later stream continue this one."""
        self._known[key] = stream

    def gone(self, key: StreamKey) -> None:
        """Forget a stream that is over."""
        self._known.pop(key, None)

    def wait(self, key: StreamKey) -> None:
        """End the call of a stream that is gone, unless another one continues it in time."""
        self._waiting[key] = asyncio.create_task(self._expire(key))

    async def take(self, keys: Sequence[StreamKey]) -> Handed | None:
        """Return the call of the newest of these streams that is known, None where none is."""
        for key in reversed(keys):
            if stream := self._known.pop(key, None):
                if waiting := self._waiting.pop(key, None):
                    waiting.cancel()
                return await stream.release()
        return None

    async def left(self, timeout_s: float) -> None:
        """Wait until no stream that could be continued is connected; at most ``timeout_s``."""
        deadline_s = time.monotonic() + timeout_s
        while self._known.keys() - self._waiting.keys() and time.monotonic() < deadline_s:
            await asyncio.sleep(POLL_S)

    async def taken(self, timeout_s: float) -> None:
        """Wait until no call waits to be continued; at most ``timeout_s``."""
        deadline_s = time.monotonic() + timeout_s
        while self._waiting and time.monotonic() < deadline_s:
            await asyncio.sleep(POLL_S)

    async def drain(self) -> None:
        """End the calls that wait."""
        for key, waiting in [*self._waiting.items()]:
            if key in self._known:
                waiting.cancel()
                await self._end(key)
            else:  # it is being ended, or was taken meanwhile
                await asyncio.wait([waiting])

    async def _expire(self, key: StreamKey) -> None:
        await asyncio.sleep(self._wait_s)
        await self._end(key)

    async def _end(self, key: StreamKey) -> None:
        stream = self._known.pop(key)
        try:
            await stream.finish()
        except AffectError as error:
            log.error("stream_broken", why=str(error))
        finally:
            self._waiting.pop(key, None)
