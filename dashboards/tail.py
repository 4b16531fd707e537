"""The newest events of one session, shared by all who watch it."""

from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

import msgspec

from affectstream.analytics.alerts import in_order
from affectstream.analytics.label import DisplayedLabel
from affectstream.dashboards import convert
from affectstream.dashboards.eventstream import NO_ALERT, AlertPlace, Cursor, event
from affectstream.dashboards.followed import Shown
from affectstream.dashboards.reader import Reader
from affectstream.dashboards.roster import Roster
from affectstream.schemas.alert import Alert
from affectstream.schemas.messages import FusedEmotion, Party

KEPT = 120  # finals of a party; who is further behind reads the store
PAGE = 500

Json = str


@dataclass
class Recent:
    """The newest finals of a party: all that end after ``floor_ms``."""

    floor_ms: int
    newest_ms: int
    finals: deque[tuple[int, Json]] = field(default_factory=lambda: deque(maxlen=KEPT))
    pane: Shown | None = None  # the newest, where it is early
    early: tuple[int, Json] | None = None

    def add(self, end_ms: int, data: Json) -> None:
        """Take a final that is newer than all."""
        if len(self.finals) == KEPT:
            self.floor_ms = self.finals[0][0]
        self.finals.append((end_ms, data))
        self.newest_ms = end_ms


class Tail:
    """What has happened in a session; `refresh` after the roster's."""

    def __init__(self, sid: str, roster: Roster, reader: Reader) -> None:
        self.clients = 0
        self.run = ""
        self._sid, self._roster, self._reader = sid, roster, reader
        self._parties: dict[Party, Recent] = {}
        self._alerts: dict[Party, list[tuple[AlertPlace, Json]]] = {}
        self._alert_count = 0
        self._ready = False

    @property
    def gone(self) -> bool:
        """Whether nothing of the session is kept any more."""
        return self._sid not in self._roster.calls

    async def refresh(self) -> None:
        """Read what is new."""
        call = self._roster.calls.get(self._sid)
        if call is None:
            return
        run = await self._reader.run(self._sid)
        rewound = any(
            party not in call.parties or call.parties[party].span.last_end_ms < recent.newest_ms
            for party, recent in self._parties.items()
        )
        if run != self.run or rewound:
            self.run, self._parties, self._alerts, self._alert_count = run, {}, {}, 0
        for party, member in call.parties.items():
            await self._read(party, member.span.last_end_ms)
        if call.alert_count != self._alert_count:
            self._alerts = _placed(await self._reader.alerts(self._sid))
            self._alert_count = call.alert_count
        self._ready = True

    async def after(self, cursor: Cursor) -> AsyncIterator[bytes]:
        """Yield the events after a cursor, and move it on: finals and alerts once, each with its id."""
        if not self._ready:
            return
        if self.gone:
            cursor.over = True
            yield event("gone", _json({"session": self._sid}))
            return
        if not cursor.started:
            self._start(cursor)
        elif cursor.run != self.run:
            cursor.restart(self.run)
            yield event("reset", _json({"session": self._sid}), cursor.id)
        for party in self._parties:
            async for found in self._of_party(party, cursor):
                yield found
        for found in self._unnumbered(cursor):
            yield found

    async def _of_party(self, party: Party, cursor: Cursor) -> AsyncIterator[bytes]:
        async for end_ms, data in self._finals_after(party, cursor.finals.get(party, -1)):
            cursor.finals[party] = end_ms
            yield event("window", data, cursor.id)
        for place, data in self._alerts.get(party, ()):
            if place > cursor.alerts.get(party, NO_ALERT):
                cursor.alerts[party] = place
                yield event("alert", data, cursor.id)

    def _start(self, cursor: Cursor) -> None:
        cursor.run, cursor.started = self.run, True
        for party, recent in self._parties.items():
            from_ms = cursor.from_ms
            cursor.finals[party] = recent.newest_ms if from_ms is None else from_ms
            alerts = self._alerts.get(party, ())
            places = [place for place, _ in alerts if from_ms is None or place[0] <= from_ms]
            cursor.alerts[party] = places[-1] if places else NO_ALERT

    async def _read(self, party: Party, last_end_ms: int) -> None:
        recent = self._parties.get(party)
        if recent is None:
            recent = self._parties[party] = Recent(last_end_ms, last_end_ms)
        while recent.newest_ms < last_end_ms:
            found = await self._page(party, recent.newest_ms)
            for final, displayed in found:
                recent.add(final.end_ms, _window(final, displayed))
            if not found:
                break  # it cannot be read
        pane = self._roster.calls[self._sid].parties[party].early
        if pane is not recent.pane:
            recent.pane, recent.early = pane, None if pane is None else (pane[0].end_ms, _window(*pane))

    async def _finals_after(self, party: Party, end_ms: int) -> AsyncIterator[tuple[int, Json]]:
        recent = self._parties[party]
        while end_ms < recent.floor_ms:
            page = await self._page(party, end_ms)
            for final, displayed in page:
                yield final.end_ms, _window(final, displayed)
            if not page:
                break
            end_ms = page[-1][0].end_ms
        for at_ms, data in list(recent.finals):
            if at_ms > end_ms:
                yield at_ms, data

    async def _page(self, party: Party, after_ms: int) -> Sequence[tuple[FusedEmotion, DisplayedLabel]]:
        finals = await self._reader.finals_after(self._sid, party, after_ms, PAGE)
        return list(zip(finals, await self._reader.labels(finals), strict=True))

    def _unnumbered(self, cursor: Cursor) -> Iterator[bytes]:
        """Yield rows and early windows that are new to a client; they are no part of what it resumes."""
        for party, recent in self._parties.items():
            early = recent.early
            if early and early[0] > recent.newest_ms and cursor.shown.get((party, "early")) is not early:
                cursor.shown[party, "early"] = early
                yield event("early", early[1])
        for row in self._roster.parties(self._sid):
            if cursor.shown.get((row.party, "row")) is not row:
                cursor.shown[row.party, "row"] = row
                yield event("row", row.model_dump_json())


def _window(fused: FusedEmotion, displayed: DisplayedLabel) -> Json:
    return _json(convert.event(fused, displayed))


def _placed(alerts: Sequence[Alert]) -> dict[Party, list[tuple[AlertPlace, Json]]]:
    """Return each party's alerts in order, with their places."""
    placed: dict[Party, list[tuple[AlertPlace, Json]]] = {}
    for (party, end_ms), same in groupby(sorted(in_order(alerts), key=_of), key=_of):
        for number, alert in enumerate(same, 1):
            placed.setdefault(party, []).append(((end_ms, number), convert.alert(alert).model_dump_json()))
    return placed


def _of(alert: Alert) -> tuple[Party, int]:
    return alert.party, alert.end_ms


def _json(fields: object) -> Json:
    return msgspec.json.encode(fields).decode()
