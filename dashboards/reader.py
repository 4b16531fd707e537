"""What requests read from the store: sessions, finals, displayed labels; each with a deadline and a 404."""

import asyncio
from collections.abc import Awaitable, Sequence
from typing import TypeVar

from fastapi import HTTPException

from affectstream.analytics.label import NOTHING, Display, DisplayedLabel, fold, step
from affectstream.runtime.store import FusedStore, Session
from affectstream.schemas.alert import Alert
from affectstream.schemas.errors import Unavailable
from affectstream.schemas.messages import FusedEmotion, Party

T = TypeVar("T")

ANSWER_S = 2.0  # how long the store may take for one page; its client alone would retry for ten seconds
PAGE = 2_000  # finals of a page: decoded in 50 ms, between which other requests are answered


class Reader:
    """The store as the routes read it; raises HTTPException for what is not there, Unavailable when late."""

    def __init__(self, store: FusedStore, display: Display) -> None:
        self._store = store
        self._display = display

    async def ping(self) -> None:
        """Return when the store has answered."""
        await _within(ANSWER_S, self._store.ping())

    async def sessions(self, limit: int) -> list[Session]:
        """Return the sessions with the newest finals first."""
        return await _within(ANSWER_S, self._store.sessions(limit))

    async def session(self, sid: str) -> Session:
        """Return one session, or refuse with 404."""
        found = await _within(ANSWER_S, self._store.session(sid))
        if found is None:
            raise HTTPException(
                404, f"there is no session {sid!r}: it has not begun, has expired or was purged"
            )
        return found

    async def newest(self, parties: Sequence[tuple[str, Party]]) -> list[FusedEmotion | None]:
        """Return the newest pane of each party, early or final."""
        return await _within(ANSWER_S, self._store.latest_of(parties))

    async def latest(self, sid: str, party: Party) -> tuple[FusedEmotion, DisplayedLabel]:
        """Return the newest pane of a party and its displayed label, or refuse with 404."""
        pane = (await self.newest([(sid, party)]))[0]
        if pane is None:
            raise await self._no_party(sid, party)
        before = await self._displayed_before(pane)
        return pane, step(self._display, before, pane)

    async def finals(
        self, sid: str, party: Party, between: tuple[int | None, int | None], limit: int
    ) -> tuple[list[FusedEmotion], int | None]:
        """Return a page of finals and where the next one starts; refuses an unknown party with 404."""
        start_ms, end_ms = between
        if start_ms is not None and end_ms is not None and start_ms > end_ms:
            raise HTTPException(422, "query from: lies after query to")
        found = await self._finals(sid, party, start_ms, end_ms, limit + 1)
        if not found and party not in (await self.session(sid)).parties:
            raise await self._no_party(sid, party)
        page = found[:limit]
        return page, page[-1].end_ms if len(found) > limit else None

    async def labels(self, finals: Sequence[FusedEmotion]) -> list[DisplayedLabel]:
        """Return what is displayed for a party's finals, in order and without a gap."""
        before = await self._displayed_before(finals[0]) if finals else NOTHING
        return fold(self._display, before, finals)

    async def all_finals(self, sid: str) -> list[FusedEmotion]:
        """Return all finals of a session, party by party, or refuse with 404."""
        parties = (await self.session(sid)).parties
        return [w for party in parties for w in await self._finals(sid, party)]

    async def alerts(self, sid: str) -> list[Alert]:
        """Return the alerts of a session, or refuse with 404."""
        await self.session(sid)
        return await _within(ANSWER_S, self._store.alerts(sid))

    async def _finals(
        self,
        sid: str,
        party: Party,
        start_ms: int | None = None,
        end_ms: int | None = None,
        limit: int | None = None,
    ) -> list[FusedEmotion]:
        """Return finals in order, page by page: the deadline is the store's and not that of a long answer."""
        found: list[FusedEmotion] = []
        while limit is None or len(found) < limit:
            count = PAGE if limit is None else min(PAGE, limit - len(found))
            page = await _within(ANSWER_S, self._store.finals(sid, party, start_ms, end_ms, count))
            found += page
            if len(page) < count:
                break
            start_ms = page[-1].end_ms
        return found

    async def _displayed_before(self, pane: FusedEmotion) -> DisplayedLabel:
        """Return what was displayed before a pane: by folding the stored finals, where that matters."""
        if self._display.memoryless:
            return NOTHING
        sid, party = pane.session_id, pane.party
        before = await self._finals(sid, party, end_ms=pane.end_ms - 1)
        return fold(self._display, NOTHING, before)[-1] if before else NOTHING

    async def _no_party(self, sid: str, party: Party) -> HTTPException:
        """Return the refusal that names the parties there are; raises the one for an unknown session."""
        there = ", ".join((await self.session(sid)).parties)
        return HTTPException(404, f"session {sid!r} has no party {party!r}; it has {there}")


async def _within(limit_s: float, answer: Awaitable[T]) -> T:
    try:
        async with asyncio.timeout(limit_s):
            return await answer
    except TimeoutError:
        raise Unavailable(f"no answer from the Redis within {limit_s:g} s") from None
