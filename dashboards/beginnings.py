"""The usual voices of parties, learnt from the beginnings of their calls as the store holds them."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from affectstream.analytics.label import Display
from affectstream.analytics.usual import OWN_MS, UNKNOWN, Heard, Usual, usual_by
from affectstream.dashboards.columns import Entry, learnt_of
from affectstream.dashboards.limits import within
from affectstream.runtime.store import FusedStore
from affectstream.schemas.messages import FusedEmotion, PartyKey

PAGE, AT_ONCE = 2_000, 100  # finals and parties of one round trip, between which other requests are answered
EACH = 100  # finals of one party at most: its first minute, where it speaks most of the time
PARTIES = 20_000  # that are remembered, those asked for last
CHECKED_S = 30.0  # after which a session may have been purged and sent again

Asked = tuple[PartyKey, int]  # a party, and the time by which its finals count


@dataclass
class Beginning:
    """How much of a party's beginning is learnt."""

    first: Entry | None = None
    newest_ms: int = -1  # the end of the last final that is
    heard: list[Heard] = field(default_factory=list)  # of a whole minute only the last
    checked_s: float = 0.0

    @property
    def usual(self) -> Usual:
        """What is usual of all that is learnt."""
        return self.heard[-1][1] if self.heard else UNKNOWN

    @property
    def whole(self) -> bool:
        """Whether later finals add nothing."""
        return self.usual.length_ms >= OWN_MS

    def tells(self, until_ms: int) -> bool:
        """Whether it holds all that is usual by the finals that end before a time."""
        return self.newest_ms >= until_ms - 1 or (self.whole and self.newest_ms < until_ms)


class Beginnings:
    """What is usual of the voices of parties; of a call that goes on, each final is read once."""

    def __init__(self, store: FusedStore, display: Display) -> None:
        self._store, self._display = store, display
        self._parties: OrderedDict[PartyKey, Beginning] = OrderedDict()
        self._reading = asyncio.Lock()  # a final that two requests read would count twice

    async def before(self, asked: Sequence[Asked]) -> list[Usual]:
        """Return what is usual of each party, named once, by its finals that end before a time."""
        if not self._display.routine:
            return [UNKNOWN] * len(asked)
        async with self._reading:
            await self._check(asked)
            found = [self._beginning(key, until_ms) for key, until_ms in asked]
            behind = list(zip(asked, found, strict=True))
            while behind := [(of, known) for of, known in behind if not known.tells(of[1])]:
                behind = [*await self._read(behind[:AT_ONCE]), *behind[AT_ONCE:]]
            while len(self._parties) > PARTIES:
                self._parties.popitem(last=False)
        return [
            usual_by(known.heard, until_ms - 1) for (_, until_ms), known in zip(asked, found, strict=True)
        ]

    def follow(self, finals: Iterable[tuple[FusedEmotion, Usual]]) -> None:
        """Take in finals with what is usual after them, where they follow at once on what is known.

        They are not read then. After one without a voice that is compared, what was usual before still is.
        """
        for final, usual in finals:
            known = self._parties.get((final.session_id, final.party))
            if known is not None and not known.whole and known.newest_ms == final.start_ms:
                is_more = usual.length_ms > known.usual.length_ms
                self._take(known, final.end_ms, [(final.end_ms, usual)] if is_more else [])

    async def _check(self, asked: Sequence[Asked]) -> None:
        """Forget parties whose first final is not the one that was read, or has expired.

        They are looked up now and then, and where a time is asked for that lies behind.
        """
        now_s = time.monotonic()
        known = [(key, until_ms, self._parties[key]) for key, until_ms in asked if key in self._parties]
        due = [
            key
            for key, until_ms, beginning in known
            if now_s - beginning.checked_s > CHECKED_S or until_ms <= beginning.newest_ms
        ]
        pages = await within(self._store.entries_of([(key, None) for key in due], 1)) if due else []
        for key, page in zip(due, pages, strict=True):
            if page[:1] == [self._parties[key].first]:
                self._parties[key].checked_s = now_s
            else:
                del self._parties[key]

    def _beginning(self, key: PartyKey, until_ms: int) -> Beginning:
        """Return what is known of a party; of a time within a whole minute, what is to be read again."""
        known = self._parties.setdefault(key, Beginning(checked_s=time.monotonic()))
        self._parties.move_to_end(key)
        return Beginning() if known.whole and known.newest_ms >= until_ms else known

    async def _read(self, behind: Sequence[tuple[Asked, Beginning]]) -> list[tuple[Asked, Beginning]]:
        """Read a page of parties together; return those of which there may be more."""
        limit = min(EACH, PAGE // len(behind))
        starts = [(key, known.newest_ms + 1) for (key, _), known in behind]
        pages = await within(self._store.entries_of(starts, limit))
        more = []
        for (of, known), page in zip(behind, pages, strict=True):
            wanted = [entry for entry in page if known.newest_ms < entry[0] < of[1]]
            if wanted:
                known.first = known.first or wanted[0]
                self._take(known, wanted[-1][0], learnt_of(wanted, self._display, known.usual))
            if len(wanted) == limit:
                more.append((of, known))
        return more

    def _take(self, known: Beginning, newest_ms: int, heard: Sequence[Heard]) -> None:
        known.newest_ms = newest_ms
        known.heard += heard
        if known.whole:
            known.newest_ms, _ = known.heard[-1]
            del known.heard[:-1]
