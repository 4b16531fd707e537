"""The journal of the gateway's calls in Redis: how far each has come, for another process to go on or end it.

Each process has a hash of its calls, written before what it states is sent, and a key that says that it
lives. What is taken from a process is marked as taken: one that was only slow learns so at its next write.
The journal holds neither sound nor words, and expires.

Five hundred calls write a thousand times a second. What comes within ``BETWEEN_S`` goes in one command; who
writes waits for it, so that nothing is sent that is not noted::

    calls      a   b c  d . . . e          . no write
    commands   a        bcd     e
"""

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from affectstream.runtime.redis_client import Connected, translated
from affectstream.runtime.redis_pipeline import Pipeline, exchange
from affectstream.runtime.settings import RedisSettings
from affectstream.schemas import keys
from affectstream.schemas.errors import Unavailable

EXPIRES_S = 3600
ALIVE_S = 3  # after its newest sign of life a process counts as dead
BEAT_S = 0.75
RESTS_S = 5.0  # after a failure, without another try: a call does not wait for Redis
WAIT_S = 0.5  # for Redis; then a call goes on without
BETWEEN_S = 0.02  # two commands with states


@dataclass(frozen=True)
class Place:
    """Where a call is noted."""

    owner: str
    name: str


class _Batch:
    """States that are written together, the newest of each call, and who waits until they are."""

    def __init__(self) -> None:
        self.states: dict[str, str] = {}  # by name
        self._writers: list[tuple[str, asyncio.Future[bool]]] = []
        self._loop = asyncio.get_running_loop()
        self._late = self._loop.call_later(WAIT_S, self.fail, Unavailable("the journal of calls is slow"))

    def add(self, name: str, state: str) -> asyncio.Future[bool]:
        """Return what becomes true once the state is written, false where the call was taken."""
        written = self._loop.create_future()
        self.states[name] = state
        self._writers.append((name, written))
        return written

    def settle(self, taken: frozenset[str]) -> None:
        """Say that the states are written, but for those of calls that were ``taken``."""
        self._late.cancel()
        for name, written in self._writers:
            if not written.done():
                written.set_result(name not in taken)

    def fail(self, error: Unavailable) -> None:
        """Raise an error where somebody still waits."""
        self._late.cancel()
        for _, written in self._writers:
            if not written.done():
                written.set_exception(error)


class Journal(Connected):
    """``async with Journal(settings.redis) as journal``; the calls of this process, and of others."""

    def __init__(self, settings: RedisSettings) -> None:
        super().__init__(settings)
        self.owner = secrets.token_hex(8)
        self._written: set[str] = set()
        self._batch: _Batch | None = None  # the next one
        self._flushing: asyncio.Task[None] | None = None
        self._rests_until_s = 0.0
        self._beating: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        with suppress(Unavailable):
            await self._beat()
        self._beating = asyncio.create_task(self._beats())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave nothing behind: a process that ends in order has ended its calls, or given them away."""
        if self._beating:
            self._beating.cancel()
        with suppress(Unavailable), translated(self._settings):
            await self._redis.hdel(keys.HANDOVER_PROCESSES, self.owner)
            await self._redis.delete(keys.handover_alive(self.owner), keys.handover_calls(self.owner))
        await super().__aexit__(kind, error, trace)

    async def write(self, name: str, state: str) -> bool:
        """Note how far a call has come; False where another process has taken it. Raises Unavailable.

        Calls that are written at about the same time go in one command.
        """
        if asyncio.get_running_loop().time() < self._rests_until_s:
            raise Unavailable("the journal of calls was not written a moment ago")
        if self._batch is None:
            self._batch = _Batch()
        written = self._batch.add(name, state)
        if self._flushing is None or self._flushing.done():
            self._flushing = asyncio.create_task(self._flush())
        return await written

    async def forget(self, name: str) -> None:
        """Drop a call that is over here; raises Unavailable."""
        self._written.discard(name)
        with translated(self._settings):
            await self._redis.hdel(keys.handover_calls(self.owner), name)

    async def find(self, names: Sequence[str]) -> Place | None:
        """Return where the first of these calls is noted that another process had; raises Unavailable."""
        with translated(self._settings):
            for owner in await self._others():
                found = await self._redis.hmget(keys.handover_calls(owner), names) if names else ()
                for name, state in zip(names, found, strict=True):
                    if state is not None:
                        return Place(owner, name)
        return None

    async def take(self, place: Place) -> str | None:
        """Return a call's state, once; None where somebody else took it. Raises Unavailable."""
        calls = keys.handover_calls(place.owner)
        with translated(self._settings):
            async with self._redis.pipeline(transaction=True) as commands:
                commands.hget(calls, place.name)
                commands.hdel(calls, place.name)
                commands.set(keys.handover_taken(place.owner, place.name), 1, ex=EXPIRES_S)
                state, *_ = await commands.execute()
        return None if state is None else str(state)

    async def alive(self, owner: str) -> bool:
        """Say whether a process has shown itself lately; raises Unavailable."""
        with translated(self._settings):
            return bool(await self._redis.exists(keys.handover_alive(owner)))

    async def dead(self) -> Mapping[str, Sequence[Place]]:
        """Return the calls of each process that is dead; raises Unavailable."""
        with translated(self._settings):
            found = {}
            for owner in await self._others():
                if not await self._redis.exists(keys.handover_alive(owner)):
                    names = await self._redis.hkeys(keys.handover_calls(owner))
                    found[owner] = [Place(owner, name) for name in names]
            return found

    async def bury(self, owner: str) -> None:
        """Forget a process that is dead and has no calls; raises Unavailable."""
        with translated(self._settings):
            await self._redis.hdel(keys.HANDOVER_PROCESSES, owner)

    async def _others(self) -> list[str]:
        known = await self._redis.hkeys(keys.HANDOVER_PROCESSES)
        return sorted(owner for owner in known if owner != self.owner)

    async def _beats(self) -> None:
        while True:
            with suppress(Unavailable):
                await self._beat()
            await asyncio.sleep(BEAT_S)

    async def _beat(self) -> None:
        with translated(self._settings):
            async with self._redis.pipeline(transaction=False) as commands:
                commands.hset(keys.HANDOVER_PROCESSES, self.owner, 1)
                commands.expire(keys.HANDOVER_PROCESSES, EXPIRES_S)
                commands.set(keys.handover_alive(self.owner), 1, ex=ALIVE_S)
                await commands.execute()

    async def _flush(self) -> None:
        while self._batch is not None:
            batch, self._batch = self._batch, None
            try:
                batch.settle(await self._put(batch.states))
            except Unavailable as error:
                self._rests_until_s = asyncio.get_running_loop().time() + RESTS_S
                batch.fail(error)
            await asyncio.sleep(BETWEEN_S)

    async def _put(self, states: dict[str, str]) -> frozenset[str]:
        """Write states; returns the names of those that were taken before."""
        calls, known = keys.handover_calls(self.owner).encode(), states.keys() & self._written
        self._written |= states.keys()
        pipeline = Pipeline()
        pipeline.add(b"HSET", calls, *(word.encode() for pair in states.items() for word in pair))
        pipeline.add(b"EXPIRE", calls, b"%d" % EXPIRES_S)
        with translated(self._settings):
            replies = await exchange(self._redis, pipeline)
            if error := next((reply for reply in replies if isinstance(reply, Exception)), None):
                raise error
            added: int = replies[0]
            if added <= len(states) - len(known):
                return frozenset()
            # Where Redis has lost its data instead, no call is marked.
            return await self._taken(sorted(known))

    async def _taken(self, names: Sequence[str]) -> frozenset[str]:
        async with self._redis.pipeline(transaction=False) as commands:
            for name in names:
                commands.exists(keys.handover_taken(self.owner, name))
            marked = await commands.execute()
        taken = frozenset(name for name, there in zip(names, marked, strict=True) if there)
        if taken:
            await self._redis.hdel(keys.handover_calls(self.owner), *taken)
        return taken
