"""The columns of the parties that were asked for last, or are likely to be, within a number of bytes."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence

from affectstream.analytics.label import Display
from affectstream.analytics.usual import Usual
from affectstream.dashboards import columns
from affectstream.dashboards.columns import Columns, Rows
from affectstream.dashboards.limits import within
from affectstream.runtime.store import FusedStore
from affectstream.schemas.messages import Party, PartyKey

PAGE = 2_000  # finals of one round trip; decoded in ten milliseconds, between which others are answered
AHEAD = 400  # likewise of what nobody waits for


class ColumnsCache:
    """The columns of parties; those asked for longest ago are dropped where they take too much."""

    def __init__(self, store: FusedStore, display: Display, max_bytes: int) -> None:
        self._store, self._display, self._max_bytes = store, display, max_bytes
        self._parties: OrderedDict[PartyKey, Columns] = OrderedDict()
        self._reading: dict[PartyKey, asyncio.Lock] = {}

    async def columns(self, session_id: str, party: Party) -> Columns:
        """Return all finals of a party as Redis holds them now; only what is new is read and decoded.

        A session that was purged and written again is read anew: its newest final known here is not there.
        """
        key = session_id, party
        async with self._lock(key):
            while await self._read(key, PAGE):
                pass
            found = self._parties[key]
            self._parties.move_to_end(key)
        self._forget()
        return found

    async def ahead(self, session_id: str, party: Party) -> bool:
        """Read a page of what is new of a party that nobody has asked for yet; return whether there is more.

        It takes what room there is in a half of the bytes, and is dropped first.
        """
        key = session_id, party
        if self._bytes() > self._max_bytes // 2:
            return False
        async with self._lock(key):
            is_new = key not in self._parties
            more = await self._read(key, AHEAD)
            if is_new:
                self._parties.move_to_end(key, last=False)
        return more

    async def since(
        self, parties: Sequence[tuple[PartyKey, int]], usual: Sequence[Usual]
    ) -> list[tuple[Rows, Usual]]:
        """Return the next finals of each party that end at a time or later, without keeping them.

        They are a page together, so there may be more. ``usual`` are the parties' usual voices before them;
        with each page comes what is usual after it.
        """
        found = await within(self._store.entries_of(parties, max(1, PAGE // len(parties))))
        return columns.recent(self._display, found, usual)

    async def _read(self, key: PartyKey, limit: int) -> bool:
        """Read a page of what is new of a party; return whether there may be more."""
        known = self._parties.get(key) or Columns(self._display)
        newest = known.newest
        page = await within(self._store.entries(*key, newest[0] if newest else None, limit))
        if newest is not None and page[:1] != [newest]:
            self._parties[key] = Columns(self._display)
            return True
        known.append(page[1:] if newest else page)
        self._parties[key] = known
        return len(page) == limit

    def _lock(self, key: PartyKey) -> asyncio.Lock:
        return self._reading.setdefault(key, asyncio.Lock())

    def _bytes(self) -> int:
        return sum(known.nbytes for known in self._parties.values())

    def _forget(self) -> None:
        """Drop what was asked for longest ago, where the columns take too much; the newest stay."""
        size = self._bytes()
        while size > self._max_bytes and len(self._parties) > 1:
            key, known = self._parties.popitem(last=False)
            size -= known.nbytes
            self._reading.pop(key, None)
