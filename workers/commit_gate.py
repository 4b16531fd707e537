"""Offsets of finals that may be committed: those whose windows Redis holds, or will not get in time."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Protocol

import structlog

from affectstream.runtime.retry import retry_until_available
from affectstream.schemas.messages import PartyKey

log = structlog.get_logger(__name__)

REDIS_POLL_S = 0.02  # between checks whether Redis holds what the topic holds
REDIS_WAIT_S = 20.0  # then the offsets are committed anyway: the session was purged, or fusion is down
MAX_PARTIES = 10_000  # that are remembered

Sleep = Callable[[float], Awaitable[None]]
Keeps = Callable[[Sequence[str]], Awaitable[list[bool]]]


class Positions(Protocol):
    """What is needed of ``affectstream.runtime.store.FusedStore``."""

    async def positions(self, parties: Sequence[PartyKey]) -> list[int | None]:
        """Return the end of the newest final of each party, in milliseconds."""


class CommitGate:
    """Waits for the windows of a batch; a party that was given up once is not waited for again."""

    def __init__(self, store: Positions, keeps: Keeps, now_s: Callable[[], float], sleep: Sleep) -> None:
        """Ask ``keeps`` of sessions whether Redis has the windows of the run that is read here."""
        self._store, self._keeps, self._now_s, self._sleep = store, keeps, now_s, sleep
        self._given_up: set[PartyKey] = set()  # parties whose windows Redis did not get in time

    async def opened(self, newest: dict[PartyKey, int], stop: asyncio.Event) -> bool:
        """Wait until Redis holds the windows or time is up; False where the worker is to stop before."""
        waiting = {key: end_ms for key, end_ms in newest.items() if key not in self._given_up}
        deadline_s = self._now_s() + REDIS_WAIT_S
        while waiting := await self._not_stored(waiting):
            if stop.is_set():
                return False
            if self._now_s() > deadline_s:
                self._give_up(waiting)
                return True
            await self._sleep(REDIS_POLL_S)
        return True

    async def _not_stored(self, newest: dict[PartyKey, int]) -> dict[PartyKey, int]:
        """Return the parties whose newest window Redis does not hold yet."""
        found = await retry_until_available(partial(self._store.positions, list(newest)))
        keeps = await self._keeps([session_id for session_id, _ in newest])  # one of another run never comes
        return {
            key: end_ms
            for (key, end_ms), position, kept in zip(newest.items(), found, keeps, strict=True)
            if kept and (position is None or position < end_ms)
        }

    def _give_up(self, waiting: dict[PartyKey, int]) -> None:
        log.warning("finals_not_in_redis", parties=len(waiting))
        if len(self._given_up) > MAX_PARTIES:
            self._given_up.clear()
        self._given_up |= waiting.keys()
