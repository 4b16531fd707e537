"""What requests read from the store: sessions, finals, displayed labels; each with a deadline and a 404."""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from fastapi import HTTPException

from affectstream.analytics.label import Display, DisplayedLabel, fold, step
from affectstream.analytics.usual import UNKNOWN, Usual, known_voice, relative
from affectstream.dashboards.beginnings import Beginnings
from affectstream.dashboards.columns import Columns, Rows
from affectstream.dashboards.columns_cache import ColumnsCache
from affectstream.dashboards.limits import within
from affectstream.runtime import rows
from affectstream.runtime.store import FusedStore, Session
from affectstream.schemas.alert import Alert
from affectstream.schemas.fields import UNNAMED, Distribution
from affectstream.schemas.messages import FusedEmotion, Party, PartyKey

PAGE = 2_000  # finals of a page: decoded in 50 ms, between which other requests are answered
PARSED = (
    16_384  # finals that stay parsed, those asked for last: 7.5 KB each, four and a half hours of a party
)
CACHE_BYTES = 64 << 20  # of columns: 15 parties of six hours each, and more where calls are shorter


class Displayed(NamedTuple):
    """What is displayed for a pane."""

    label: DisplayedLabel
    p: Distribution | None  # with what is usual of the voice taken off


class Reader:
    """The store as the routes read it; raises HTTPException for what is not there, Unavailable when late."""

    def __init__(self, store: FusedStore, display: Display) -> None:
        self._store = store
        self.display = display
        self._beginnings = Beginnings(store, display)
        self._columns = ColumnsCache(store, display, CACHE_BYTES)
        self._parsed = lru_cache(PARSED)(rows.parsed)  # by its bytes: what is written anew is parsed anew

    async def ping(self) -> None:
        """Return when the store has answered."""
        await within(self._store.ping())

    async def session(self, sid: str) -> Session:
        """Return one session, or refuse with 404."""
        found = await within(self._store.session(sid))
        if found is None:
            raise HTTPException(
                404, f"there is no session {sid!r}: it has not begun, has expired or was purged"
            )
        return found

    async def newest(self, parties: Sequence[tuple[str, Party]]) -> list[FusedEmotion | None]:
        """Return the newest pane of each party, early or final."""
        return await within(self._store.latest_of(parties))

    async def latest(self, sid: str, party: Party) -> tuple[FusedEmotion, DisplayedLabel]:
        """Return the newest pane of a party and its displayed label, or refuse with 404."""
        pane = (await self.newest([(sid, party)]))[0]
        if pane is None:
            await self.require(sid, party)
            raise HTTPException(404, f"no window of {party!r} in session {sid!r} can be read")
        return pane, (await self.displayed([pane]))[0].label

    async def finals(
        self, sid: str, party: Party, between: tuple[int | None, int | None], limit: int
    ) -> tuple[list[FusedEmotion], int | None]:
        """Return a page of finals and where the next one starts; refuses an unknown party with 404."""
        start_ms, end_ms = between
        found = await self._finals(sid, party, start_ms, end_ms, limit + 1)
        if not found:
            await self.require(sid, party)
        page = found[:limit]
        return page, page[-1].end_ms if len(found) > limit else None

    async def finals_after(self, sid: str, party: Party, after_ms: int, limit: int) -> list[FusedEmotion]:
        """Return the first finals that end after a time, none where there is no such party."""
        return await self._finals(sid, party, after_ms, limit=limit)

    async def run(self, sid: str) -> str:
        """Return the run of a session whose windows are kept."""
        return (await within(self._store.runs_of([sid])))[0].kept or UNNAMED

    async def labels(self, finals: Sequence[FusedEmotion]) -> list[DisplayedLabel]:
        """Return what is displayed for finals of a party, in their order."""
        if not finals:
            return []
        if self.display.memoryless:
            usual = await self._beginnings.before([_until(finals[0])])
            return fold(self.display, DisplayedLabel(usual=usual[0]), finals)
        columns = await self.columns(finals[0].session_id, finals[0].party)
        return columns.displayed([final.end_ms for final in finals])

    async def displayed(self, panes: Sequence[FusedEmotion]) -> list[Displayed]:
        """Return what is displayed for the newest panes of parties."""
        found = [
            Displayed(step(self.display, before, pane), relative(before.usual, pane, self.display.routine))
            for before, pane in zip(await self._before(panes), panes, strict=True)
        ]
        pairs = zip(panes, found, strict=True)
        self._beginnings.follow((pane, of.label.usual) for pane, of in pairs if pane.pane == "final")
        return found

    async def _before(self, panes: Sequence[FusedEmotion]) -> list[DisplayedLabel]:
        """Return what is displayed for the final before each pane."""
        if self.display.memoryless:
            asked = [_until(pane) for pane in panes if known_voice(pane, self.display.routine)]
            usual = dict(zip(asked, await self._beginnings.before(asked), strict=True))
            return [
                DisplayedLabel(usual=usual.get(_until(pane), UNKNOWN)) for pane in panes
            ]  # else: no matter
        columns = [await self.columns(pane.session_id, pane.party) for pane in panes]
        return [of.displayed([pane.end_ms - 1])[0] for of, pane in zip(columns, panes, strict=True)]

    async def columns(self, sid: str, party: Party) -> Columns:
        """Return all finals of a party as arrays, without any where there is no such party."""
        return await self._columns.columns(sid, party)

    async def ahead(self, sid: str, party: Party) -> bool:
        """Read a page of what is likely to be asked for; return whether there is more."""
        return await self._columns.ahead(sid, party)

    async def recent(self, party: PartyKey, from_ms: int) -> Rows:
        """Return the next finals of a party that end at a time or later."""
        asked = [(party, from_ms)]
        ((rows, _),) = await self.finals_of(asked, await self._beginnings.before(asked))
        return rows

    async def finals_of(
        self, parties: Sequence[tuple[PartyKey, int]], usual: Sequence[Usual]
    ) -> list[tuple[Rows, Usual]]:
        """Return the next finals of each party that end at a time or later, a page together.

        ``usual`` is what is usual of each party's voice before them; returned is what is so after them.
        """
        return await self._columns.since(parties, usual)

    async def all_finals(self, sid: str) -> list[FusedEmotion]:
        """Return all finals of a session, party by party, or refuse with 404."""
        parties = (await self.session(sid)).parties
        return [w for party in parties for w in await self._finals(sid, party)]

    async def alerts(self, sid: str) -> list[Alert]:
        """Return the alerts of a session, or refuse with 404."""
        await self.session(sid)
        return await within(self._store.alerts(sid))

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
            from_ms = None if start_ms is None else start_ms + 1
            page = await within(self._store.entries(sid, party, from_ms, count))
            wanted = [data for end, data in page if end_ms is None or end <= end_ms]
            found += [final for data in wanted if (final := rows.readable(self._parsed, data))]
            if len(wanted) < count:
                break
            start_ms = page[-1][0]
        return found

    async def require(self, sid: str, party: Party) -> None:
        """Refuse an unknown session or party with 404, and name the parties that there are."""
        parties = (await self.session(sid)).parties
        if party not in parties:
            raise HTTPException(404, f"session {sid!r} has no party {party!r}; it has {', '.join(parties)}")


def _until(pane: FusedEmotion) -> tuple[PartyKey, int]:
    """Return the party of a pane, and the time before which the finals before it end."""
    return (pane.session_id, pane.party), pane.start_ms + 1
