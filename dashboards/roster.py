"""Every party of every session with its newest window, kept current by few commands however many ask."""

import asyncio
import itertools
import secrets
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import TypeVar

from affectstream.analytics.need import active
from affectstream.dashboards import convert
from affectstream.dashboards.followed import Call, Member, Shown
from affectstream.dashboards.limits import within
from affectstream.dashboards.reader import Reader
from affectstream.dashboards.responses import PartyRow
from affectstream.runtime import live
from affectstream.runtime.live import Mark
from affectstream.runtime.store import FusedStore, Session, Span
from affectstream.schemas.messages import PARTIES, FusedEmotion, Party, PartyKey

T = TypeVar("T")

FRESH_S = 0.25  # how old an answer may be
INDEX_S = 1.0  # between looks at which sessions there are
KEPT_S = 60.0  # between checks whether sessions at rest have expired
IDLE_S = 60.0  # without a new window for so long, a call counts as ended
PAGE = 500  # keys of one round trip, between which other requests are answered


class Roster:
    """The parties of all sessions; `refresh` before reading."""

    def __init__(
        self, store: FusedStore, reader: Reader, now_s: Callable[[], float] = time.monotonic
    ) -> None:
        self.epoch = secrets.token_hex(4)  # versions mean nothing to another process
        self.version = 0
        self._store, self._reader, self._now_s = store, reader, now_s
        self.calls: dict[str, Call] = {}
        self._rows: OrderedDict[PartyKey, int] = OrderedDict()  # by version
        self._gone: OrderedDict[str, int] = OrderedDict()
        self._versions = itertools.count(1)
        self._lock = asyncio.Lock()
        self._refreshed_s = self._indexed_s = self._checked_s = -1e9

    async def refresh(self, at_once: bool = False) -> None:
        """Bring the rows up to date, where they are older than FRESH_S or ``at_once``; raises Unavailable."""
        async with self._lock:
            now_s = self._now_s()
            if at_once:
                self._indexed_s = -1e9
            elif now_s - self._refreshed_s < FRESH_S:
                return
            new = await self._look_for_sessions(now_s)
            going_on = {sid: call for sid, call in self.calls.items() if sid in new or not call.at_rest}
            changed = await self._panes(going_on, now_s)
            changed |= await self._alerts(going_on)
            changed |= self._idle(going_on, now_s)
            for sid, party in changed:
                self._remember(sid, party)
            await self._expired(now_s)
            self._refreshed_s = now_s

    def rows(self) -> Iterator[tuple[str, list[PartyRow]]]:
        """Yield the rows of each session."""
        yield from ((sid, rows) for sid in self.calls if (rows := self.parties(sid)))

    def parties(self, sid: str) -> list[PartyRow]:
        """Return the rows of a session in the order of PARTIES."""
        members = self.calls.get(sid, Call()).parties
        rows = [members[party].row for party in PARTIES if party in members]
        return [row for row in rows if row is not None]

    def since(self, version: int) -> tuple[list[PartyRow], list[str]]:
        """Return the rows that changed after a version, the oldest change first, and the sessions gone."""
        keys = itertools.takewhile(lambda key: self._rows[key] > version, reversed(self._rows))
        rows = [self.calls[sid].parties[party].row for sid, party in keys]
        gone = itertools.takewhile(lambda sid: self._gone[sid] > version, reversed(self._gone))
        return [row for row in reversed(rows) if row], list(gone)

    async def _look_for_sessions(self, now_s: float) -> set[str]:
        """Read what the index of sessions has new; return those sessions."""
        if now_s - self._indexed_s < INDEX_S:
            return set()
        scores = await within(live.sessions(self._store))
        for sid in self.calls.keys() - scores.keys():
            self._drop(sid)
        moved = {sid for sid, score in scores.items() if self._call(sid).score_ms != score}
        moved |= await self._joined(now_s)
        async for page in _paged(list(moved)):
            for session in await within(live.spans(self._store, page)):
                self._settle(session, scores[session.session_id], now_s)
        self._indexed_s = now_s
        return moved & self.calls.keys()

    async def _joined(self, now_s: float) -> set[str]:
        """Return the sessions that one more party has finals of: their place in the index need not move."""
        lately = {sid: call for sid, call in self.calls.items() if now_s - call.moved_s <= IDLE_S}
        absent = [
            (sid, party) for sid, call in lately.items() for party in PARTIES if party not in call.parties
        ]
        joined: set[str] = set()
        async for page in _paged(absent):
            found = await within(live.kept(self._store, [[key] for key in page]))
            joined |= {sid for (sid, _), there in zip(page, found, strict=True) if there}
        return joined

    def _call(self, sid: str) -> Call:
        return self.calls.get(sid) or Call()

    def _settle(self, session: Session, score_ms: int, now_s: float) -> None:
        """Take over which parties a session has, and what their finals span."""
        if self._call(session.session_id).parties.keys() - session.parties.keys():
            self._drop(session.session_id)  # it was sent again: what is there now is told as a new one's
        call = self.calls.setdefault(session.session_id, Call())
        if call.score_ms != score_ms:
            call.score_ms, call.moved_s = score_ms, now_s
        for party, span in session.parties.items():
            known = call.parties.get(party)
            if known is None or known.span.first_end_ms != span.first_end_ms:
                call.parties[party] = Member(span, changed_s=now_s)
            else:
                known.span = span

    async def _panes(self, calls: dict[str, Call], now_s: float) -> set[PartyKey]:
        """Read the newest panes that have changed; return whose they are."""
        changed: set[PartyKey] = set()
        async for page in _paged([(sid, party) for sid, call in calls.items() for party in call.parties]):
            marks = dict(zip(page, await within(live.marks(self._store, page)), strict=True))
            moved = [key for key, mark in marks.items() if mark is None or mark != self._member(key).mark]
            panes = dict(zip(moved, await within(self._store.latest_of(moved)), strict=True))
            early = [key for key, pane in panes.items() if pane and pane.pane == "early"]
            ends = dict(zip(early, await within(self._store.positions(early)), strict=True))
            new: dict[PartyKey, tuple[Mark, FusedEmotion, int]] = {}
            for key, pane in panes.items():
                if pane is None:
                    continue
                mark = marks[key] or Mark(pane.end_ms, pane.pane == "final")  # evicted: its newest final
                end_ms = ends.get(key, pane.end_ms)
                if end_ms and mark != self._member(key).mark:
                    new[key] = mark, pane, end_ms
            found = await self._reader.displayed([pane for _, pane, _ in new.values()])
            for (key, (mark, pane, end_ms)), (displayed, p) in zip(new.items(), found, strict=True):
                self._take(key, mark, (pane, displayed), end_ms, now_s)
                self._member(key).newest = convert.newest(pane, displayed, p)
            changed |= new.keys()
        return changed

    def _take(self, key: PartyKey, mark: Mark, found: Shown, end_ms: int, now_s: float) -> None:
        member, (pane, _) = self._member(key), found
        over = pane.pane == "final" and {state.stream for state in pane.modalities} == {"ended"}
        member.span = Span(member.span.first_end_ms, end_ms)
        member.mark, member.changed_s, member.ended = mark, now_s, over
        member.early = found if pane.pane == "early" else None

    async def _alerts(self, calls: dict[str, Call]) -> set[PartyKey]:
        """Read the alerts of sessions that have more or fewer; return the parties that they are about."""
        changed: set[PartyKey] = set()
        async for page in _paged(list(calls)):
            counts = await within(live.alert_counts(self._store, page))
            for sid, count in zip(page, counts, strict=True):
                call = calls[sid]
                if count == call.alert_count:
                    continue
                call.edges, call.alert_count = await within(self._store.alerts(sid)), count
                found = active(call.edges)
                call.alerts = {party: [a for a in found if a.party == party] for party in call.parties}
                changed |= {(sid, party) for party in call.parties}
        return changed

    def _idle(self, calls: dict[str, Call], now_s: float) -> set[PartyKey]:
        """Count calls without a new window as ended; return the parties for which that is new."""
        idle = set()
        for sid, call in calls.items():
            for party, member in call.parties.items():
                if not member.ended and now_s - member.changed_s > IDLE_S:
                    member.ended = True
                    idle.add((sid, party))
        return idle

    async def _expired(self, now_s: float) -> None:
        """Forget sessions that have expired, here and in the index."""
        if now_s - self._checked_s < KEPT_S:
            return
        async for page in _paged([sid for sid, call in self.calls.items() if call.at_rest]):
            kept = await within(live.kept(self._store, [[(sid, party) for party in PARTIES] for sid in page]))
            expired = [sid for sid, there in zip(page, kept, strict=True) if not there]
            await within(live.forget(self._store, expired))
            for sid in expired:
                self._drop(sid)
        self._checked_s = now_s

    def _member(self, key: PartyKey) -> Member:
        return self.calls[key[0]].parties[key[1]]

    def _remember(self, sid: str, party: Party) -> None:
        """Note that a row has changed."""
        member, call = self._member((sid, party)), self.calls[sid]
        if member.newest is None:
            return
        alerts, span = call.alerts.get(party, []), (member.span.first_end_ms, member.span.last_end_ms)
        member.row = convert.party(sid, party, span, member.newest, alerts, member.ended)
        self.version = next(self._versions)
        self._rows[sid, party] = self.version
        self._rows.move_to_end((sid, party))

    def _drop(self, sid: str) -> None:
        call = self.calls.pop(sid)
        for party in call.parties:
            self._rows.pop((sid, party), None)
        self.version = next(self._versions)
        self._gone[sid] = self.version
        self._gone.move_to_end(sid)
        if len(self._gone) > PAGE:
            self._gone.popitem(last=False)


async def _paged(keys: Sequence[T]) -> AsyncIterator[Sequence[T]]:
    """Yield keys in pages, between which the loop serves others."""
    for start in range(0, len(keys), PAGE):
        yield keys[start : start + PAGE]
        await asyncio.sleep(0)
