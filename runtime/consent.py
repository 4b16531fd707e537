"""What a process knows of the consent to its sessions and of their pauses: every change, at once.

A process asks once for each session that is new to it, and reads every change from a stream. So nothing is
asked for each record. What it cannot know it does not process: it waits for Redis.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable
from itertools import islice
from types import TracebackType
from typing import Any, Self

import structlog

from affectstream.runtime.clocks import monotonic_ms
from affectstream.runtime.consent_store import CHANGES
from affectstream.runtime.redis_client import connect, translated
from affectstream.runtime.retry import note_unavailable
from affectstream.runtime.settings import PolicySettings, RedisSettings
from affectstream.schemas import keys
from affectstream.schemas.consent import UNKNOWN, Standing, standing
from affectstream.schemas.errors import Malformed, Unavailable
from affectstream.schemas.messages import Media, Reason

REMEMBERED = 200_000  # sessions
ASKED_AT_ONCE = 1_000
BLOCK_MS = 1_000
STALE_MS = 10_000  # without an answer of Redis for so long, nothing more is processed
RETRY_S = 0.2

OnSession = Callable[[str], None]

log = structlog.get_logger(__name__)


class Consents:
    """What a process knows of the sessions that it processes: ``async with Consents(...) as consents``."""

    def __init__(
        self,
        redis: RedisSettings,
        policy: PolicySettings,
        stopping: asyncio.Event | None = None,
    ) -> None:
        self._settings, self._permitted = redis, frozenset(policy.consent)
        self._stopping = stopping or asyncio.Event()
        self._redis = connect(redis, patient=False)
        self.known: dict[str, Standing] = {}
        self._assumed: set[str] = set()  # of these, without an answer
        self._last_id = ""  # of the stream of changes; empty: all that is known must be asked anew
        self.valid_until_ms = monotonic_ms() + STALE_MS  # what is known is; then Redis has to answer
        self._watching: asyncio.Task[None] | None = None
        self.refused: set[str] = set()  # of the sessions that are known
        self.on_refused: OnSession = _nothing  # called with a session that may not be processed any more
        self.on_change: OnSession = _nothing  # called with a session whose standing has changed

    async def __aenter__(self) -> Self:
        """Begin to follow the changes; raises Unavailable where Redis does not answer."""
        try:
            await self._catch_up()
        except BaseException:
            await self._redis.aclose()
            raise
        self._watching = asyncio.create_task(self._watch())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._watching:
            self._watching.cancel()
            await asyncio.wait({self._watching})
        await self._redis.aclose()

    async def learn(self, session_ids: Collection[str]) -> None:
        """Know the standing of these sessions; waits for Redis, or raises Unavailable once stopping."""
        while True:
            try:
                if monotonic_ms() <= self.valid_until_ms:
                    await self.ask(session_ids)
                    return
            except Unavailable as error:
                note_unavailable()
                log.warning("consent_not_known", why=str(error))
            if self._stopping.is_set():
                raise Unavailable("Redis does not say whether sessions may be processed, so none is")
            await asyncio.sleep(RETRY_S)

    async def ask(self, session_ids: Iterable[str]) -> None:
        """Ask for those of the sessions that are not known; raises Unavailable."""
        known, asked = self.known, dict.fromkeys(session_ids)
        absent = [session_id for session_id in asked if session_id not in known]
        if not absent:
            return
        others = (session_id for session_id in known if session_id not in asked)
        for oldest in list(islice(others, max(0, len(known) + len(absent) - REMEMBERED))):
            del known[oldest]
            self.refused.discard(oldest)
        await self._read(absent)

    def assume(self, session_id: str) -> None:
        """Take a session for an unknown one until Redis answers, which it is asked for again."""
        self._take(session_id, None, asked=True)
        self._assumed.add(session_id)

    def note(self, session_id: str, found: Standing) -> None:
        """Go by a change that this process has made, before the stream of changes brings it."""
        self._take(session_id, found.text(), asked=True)

    def refuses(self, session_id: str) -> bool:
        """Say whether nothing of a session may be processed; one that was not asked for is refused."""
        return session_id not in self.known or session_id in self.refused

    def withholds(self, message: Media) -> Reason | None:
        """Return why a message may not be analysed; None where it may."""
        known = self.known.get(message.session_id)
        return Reason.NOT_PERMITTED if known is None else known.withholds(message, self._permitted)

    def standing(self, session_id: str) -> Standing:
        """Return what is known of a session; that of an unknown one where nothing is."""
        return self.known.get(session_id, UNKNOWN)

    async def _watch(self) -> None:
        while True:
            try:
                if not self._last_id:
                    await self._catch_up()
                await self._follow()
            except Unavailable as error:
                self._last_id = ""
                log.warning("consent_not_followed", why=str(error))
                await asyncio.sleep(RETRY_S)

    async def _catch_up(self) -> None:
        """Read anew all that is known, from where the stream of changes goes on."""
        with translated(self._settings):
            newest = await self._redis.xrevrange(keys.CONSENT_CHANGES, count=1)
        session_ids = list(self.known)
        for at in range(0, len(session_ids), ASKED_AT_ONCE):
            await self._read(session_ids[at : at + ASKED_AT_ONCE])
        self._last_id = newest[0][0] if newest else "0-0"
        self._answered()

    async def _follow(self) -> None:
        with translated(self._settings):
            found = await self._redis.xread({keys.CONSENT_CHANGES: self._last_id}, CHANGES, BLOCK_MS)
        self._answered()
        assumed, self._assumed = [*self._assumed], set()
        if assumed:
            await self._read(assumed)
        for _, entries in found or ():
            for entry_id, fields in entries:
                self._last_id = entry_id
                self._take(fields.get("session", ""), fields.get("standing"))

    async def _read(self, session_ids: list[str]) -> None:
        with translated(self._settings):
            texts = await self._redis.mget([keys.consent(session_id) for session_id in session_ids])
        self._answered()
        for session_id, text in zip(session_ids, texts, strict=True):
            self._take(session_id, text, asked=True)

    def _answered(self) -> None:
        self.valid_until_ms = monotonic_ms() + STALE_MS

    def _take(self, session_id: str, text: Any, asked: bool = False) -> None:
        """Take note of a standing, unless a newer one is known; only what was asked for is kept."""
        before = self.known.get(session_id)
        try:
            found = standing(text)
        except Malformed as error:
            log.error("entry_in_redis_unreadable", why=str(error))
            found = Standing("withdrawn")
        if before is None and not asked:
            return
        if before is not None and (found.version <= before.version or before.consent == "withdrawn"):
            return
        self.known[session_id] = found
        if not found.refused(self._permitted):
            self.refused.discard(session_id)
        elif session_id not in self.refused:
            self.refused.add(session_id)
            self.on_refused(session_id)
        self.on_change(session_id)


def _nothing(_: str) -> None:
    return None
