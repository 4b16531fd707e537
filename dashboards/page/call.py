"""The page of one call: what is displayed of each party, its course, what happened, and why."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from fastapi import FastAPI, HTTPException
from nicegui import ui

from affectstream.analytics.alerts import in_order
from affectstream.analytics.records import Summary, clock
from affectstream.analytics.turns import Conversation
from affectstream.dashboards.buckets import buckets, length_ms
from affectstream.dashboards.listening import Listening
from affectstream.dashboards.page import course, frame, marking
from affectstream.dashboards.page.conversation import Tables, folded
from affectstream.dashboards.page.course import Mark
from affectstream.dashboards.page.events import Events
from affectstream.dashboards.page.listening import Player, Spoken
from affectstream.dashboards.page.wording import heading, line, marks, why
from affectstream.dashboards.reader import Reader
from affectstream.dashboards.responses import PartyRow
from affectstream.dashboards.roster import Roster
from affectstream.runtime.feedback import FeedbackStore
from affectstream.schemas.alert import Alert
from affectstream.schemas.errors import Unavailable
from affectstream.schemas.messages import Party

POINTS = 400  # buckets of a chart: two pixels each
REFRESH_S = 0.5
SUMMARY_S = 5.0  # between two summaries of a call that goes on
RANGES = {"whole call": None, "last 10 minutes": 600_000, "last 2 minutes": 120_000}
AROUND_MS = 30_000  # before and after an event that is jumped to


@dataclass
class Side:
    """One party on the page."""

    line: ui.label
    why: ui.label
    chart: ui.echart
    newest_ms: int = -1


@dataclass
class View:
    """What one visitor looks at."""

    range_ms: int | None = None
    around_ms: int | None = None  # an event that was jumped to
    sides: dict[Party, Side] = field(default_factory=dict)
    summary: Summary | None = None
    conversation: Conversation | None = None
    summed_up_s: float = -1e9
    alerts: Sequence[Alert] = ()
    rows: Sequence[PartyRow] = ()


class Page:
    """One visitor's page of a session."""

    def __init__(
        self, sid: str, reader: Reader, roster: Roster, feedback: FeedbackStore, listening: Listening
    ) -> None:
        self._sid, self._reader, self._roster, self._feedback = sid, reader, roster, feedback
        self._player, self._spoken = Player(sid, listening), Spoken(sid, listening)
        self._view = View()

    async def build(self) -> None:
        """Lay the page out, and keep it current."""
        ui.link("All calls", "/").classes("call-back").on("click", js_handler="affectAllCalls")
        self._notice = ui.label().classes("notice").props('role="status"')
        with ui.element("div") as self._body:
            self._build()
        await self.refresh()
        ui.timer(REFRESH_S, self.refresh)

    def _build(self) -> None:
        with ui.row().classes("call-bar"):
            self._state = ui.label().classes("call-state")
            ui.toggle(
                list(RANGES), value="whole call", on_change=lambda e: self._look(RANGES[e.value])
            ).props('dense no-caps aria-label="Time shown"')
            for kind in ("jsonl", "csv"):
                ui.link(f"Windows as {kind.upper()}", f"/call/{self._sid}/windows.{kind}").classes(
                    "call-back"
                ).props("download")
        self._player.build()
        self._parties = ui.column().classes("call-parties")
        self._events = Events(self._jump)
        ui.html("<h2>In short</h2>", sanitize=False)
        self._short = ui.column().classes("call-short")
        self._tables = Tables(self._jump)
        marking.Form(self._sid, self._reader, self._feedback).build()

    async def refresh(self) -> None:
        """Bring the page up to date."""
        try:
            await self._read()
            self._player.origin_ms = self._origin_ms()
            self._show_state()
            for row in self._view.rows:
                await self._show_party(row)
        except Unavailable:
            self._notice.text = "The store does not answer; the page goes on as soon as it does."
            return
        except HTTPException as error:
            self._notice.text = error.detail[:1].upper() + error.detail[1:]
            self._body.set_visibility(False)
            return
        self._notice.text = ""
        self._body.set_visibility(True)

    async def _read(self) -> None:
        view = self._view
        await self._roster.refresh()
        view.rows = self._roster.parties(self._sid)
        if not view.rows:
            await self._reader.session(self._sid)  # refuses an unknown one
        now_s = asyncio.get_running_loop().time()
        if view.summary is None or now_s - view.summed_up_s > SUMMARY_S:
            view.summed_up_s = now_s
            more = await self._spoken.refresh(any(row.state == "live" for row in view.rows))
            if more or view.summary is None or self._end_ms() > view.summary.end_ms:
                await self._sum_up()

    async def _sum_up(self) -> None:
        view = self._view
        view.alerts = in_order(await self._reader.alerts(self._sid))
        finals = await self._reader.all_finals(self._sid)
        view.summary, view.conversation = await asyncio.to_thread(
            folded, finals, self._spoken.words, self._reader.display
        )
        self._show_events()
        self._show_summary()

    def _look(self, range_ms: int | None) -> None:
        self._view.range_ms, self._view.around_ms = range_ms, None
        self._redraw()

    def _jump(self, at_ms: int) -> None:
        self._player.jump(at_ms)
        self._view.around_ms = at_ms
        self._redraw()

    def _redraw(self) -> None:
        for side in self._view.sides.values():
            side.newest_ms = -1

    def _show_state(self) -> None:
        rows = self._view.rows
        live = any(row.state == "live" for row in rows)
        length = clock(max((row.end_ms for row in rows), default=0) - self._origin_ms())
        self._state.text = f"{'live' if live else 'ended'}, {length}"

    def _origin_ms(self) -> int:
        return min((row.start_ms for row in self._view.rows), default=0)

    async def _show_party(self, row: PartyRow) -> None:
        side = self._view.sides.get(row.party) or self._add_party(row.party)
        side.line.text = line(row)
        if row.end_ms == side.newest_ms:
            return
        side.newest_ms = row.end_ms
        try:
            columns = await self._reader.columns(self._sid, row.party)
        except Unavailable:
            side.newest_ms = -1  # drawn when it answers, though nothing newer may come
            raise
        found = columns.between(*self._between(row))
        if not len(found):
            return
        span_ms = int(found["end_ms"][-1] - found["start_ms"][0])
        step_ms = length_ms(span_ms, POINTS)
        cells = buckets(found, step_ms)
        side.chart.options.clear()
        side.chart.options.update(course.options(cells, step_ms, self._origin_ms(), self._marks(row.party)))
        side.chart.update()
        side.why.text = why(cells[-1])

    def _between(self, row: PartyRow) -> tuple[int | None, int | None]:
        view = self._view
        if view.around_ms is not None:
            return view.around_ms - AROUND_MS, view.around_ms + AROUND_MS
        return (None if view.range_ms is None else row.end_ms - view.range_ms), None

    def _add_party(self, party: Party) -> Side:
        with self._parties, ui.element("section").classes("call-party").props(f'aria-label="{party}"'):
            ui.html(f"<h2>{heading(party)}</h2>", sanitize=False)
            now = ui.label().classes("call-now")
            reason = ui.label().classes("call-why")
            chart = ui.echart({"series": []}).classes("call-chart")
            save = ui.button("Chart as PNG", color=None).props("flat dense no-caps").classes("plain-button")
            name = json.dumps(f"{self._sid}-{party}.png")
            save.on("click", js_handler=f"() => affectSaveChart({chart.id}, {name})")
        side = self._view.sides[party] = Side(now, reason, chart)
        return side

    def _marks(self, party: Party) -> list[Mark]:
        summed_up = self._view.summary.parties if self._view.summary else ()
        of = next((p for p in summed_up if p.party == party), None)
        return marks([a for a in self._view.alerts if a.party == party], of, self._end_ms())

    def _end_ms(self) -> int:
        return max((row.end_ms for row in self._view.rows), default=0)

    def _show_events(self) -> None:
        summed_up = self._view.summary
        marked = [
            (mark, each.party)
            for each in (summed_up.parties if summed_up else ())
            for mark in self._marks(each.party)
        ]
        self._events.show(marked, self._origin_ms())

    def _show_summary(self) -> None:
        self._short.clear()
        with self._short:
            for party in self._view.summary.parties if self._view.summary else ():
                ui.label(f"{heading(party.party).capitalize()}: {party.text}").classes("call-text")
        if self._view.summary and self._view.conversation:
            self._tables.show(self._view.conversation, self._view.summary)


def register(app: FastAPI) -> None:
    """Add the page to the site."""

    @ui.page("/call/{sid}", response_timeout=frame.BUILT_S)
    async def call(sid: str) -> None:
        with frame.page(f"Call {sid}", "/call"):
            of = app.state
            await Page(sid, of.reader, of.roster, of.feedback, of.listening).build()
