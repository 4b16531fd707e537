"""The page of all live calls: a row per party, those that need somebody first."""

import json
from collections import OrderedDict
from typing import Any
from urllib.parse import urlencode

from fastapi import FastAPI
from nicegui import ui

from affectstream.dashboards.page import frame
from affectstream.dashboards.page.strips import Strips
from affectstream.dashboards.page.typed import texts, typed
from affectstream.dashboards.responses import PartyRow
from affectstream.dashboards.roster import Roster
from affectstream.schemas.errors import Unavailable
from affectstream.schemas.messages import PartyKey

REFRESH_S = 0.5
MOST_FILLED = 40  # strips read from the store at once: a screen of them
Row = dict[str, Any]

SENTENCE: Row = {"minWidth": 150, "cellClass": "cell-sentence"}  # of two lines at most


def narrow(name: str, wide: int, on_a_phone: int) -> Row:
    """Return a width of a column: on a phone the first four fit side by side."""
    return {f":{name}": f"window.innerWidth < 600 ? {on_a_phone} : {wide}"}


COLUMNS: list[Row] = [
    {"field": "need", "headerName": "Need", "sort": "desc", ":cellRenderer": "affectNeed"}
    | narrow("width", 96, 70),
    {"field": "session", "headerName": "Session", "flex": 2, ":cellRenderer": "affectLink"}
    | narrow("minWidth", 130, 82),
    {"field": "party", "headerName": "Party"} | narrow("width", 110, 76),
    {
        "field": "cue",
        "headerName": "Cue",
        "flex": 1,
        ":cellRenderer": "affectCue",
        ":equals": "() => false",  # the same label may have another confidence, which is drawn beside it
    }
    | narrow("minWidth", 155, 128),
    {"field": "alert", "headerName": "Alert", "flex": 3, "tooltipField": "alert"} | SENTENCE,
    {"field": "conflict", "headerName": "Disagreement", "flex": 2, "tooltipField": "conflict"} | SENTENCE,
    {
        "field": "strip",
        "headerName": "Last five minutes",
        "width": 190,
        "sortable": False,
        ":cellRenderer": "affectStrip",
    },
    {
        "field": "length_ms",
        "headerName": "Time",
        "width": 90,
        ":valueFormatter": "(p) => affectClock(p.value)",
    },
    {"field": "state", "headerName": "State", "width": 90},
]
OPTIONS: Row = {
    "columnDefs": COLUMNS,
    "rowData": [],
    "rowHeight": 38,
    "suppressCellFocus": False,
    "defaultColDef": {"sortable": True, "resizable": True},
    ":getRowId": "(row) => row.data.key",
    ":onCellKeyDown": "affectOpenOnEnter",
    ":onRowDoubleClicked": "affectOpen",
    "overlayNoRowsTemplate": "No call is kept. Start one, or replay a recording.",
    "asyncTransactionWaitMillis": 100,
    "accentedSort": False,
}
LIVE_ONLY: Row = {"state": {"filterType": "text", "type": "equals", "filter": "live"}}


class Page:
    """One visitor's table, which follows the roster."""

    def __init__(self, roster: Roster, strips: Strips, q: str, ended: bool) -> None:
        self._roster, self._strips = roster, strips
        self._q, self._ended = q, ended
        self._seen = -1
        self._shown: OrderedDict[PartyKey, Row] = OrderedDict()

    async def build(self) -> None:
        """Lay the page out, and keep it current."""
        self._notice = ui.label().classes("notice").props('role="status"')
        with ui.row().classes("live-bar"):
            search = ui.input(placeholder="Session, party, alert", value=self._q).props(
                'dense outlined clearable type="search" aria-label="Filter the calls"'
            )
            search.on("update:value", lambda e: self._search(*texts(e)), js_handler=typed(search))
            ui.checkbox("Ended calls too", value=self._ended, on_change=lambda e: self._filter(e.value))
            self._count = ui.label().classes("live-count")
        state = {"filter": {"filterModel": None if self._ended else LIVE_ONLY}}
        options = OPTIONS | {"quickFilterText": self._q, "initialState": state}
        self._grid = ui.aggrid(options, auto_size_columns=False).classes("live-grid")
        await self.refresh()
        ui.timer(REFRESH_S, self.refresh)

    async def refresh(self) -> None:
        """Send the browser the rows that have changed."""
        try:
            await self._roster.refresh()
        except Unavailable:
            self._notice.text = "The store does not answer; the page goes on as soon as it does."
            return
        self._notice.text = ""
        changed, gone = self._roster.since(self._seen)
        first, self._seen = self._seen < 0, self._roster.version
        self._strips.forget(gone)
        filled = await self._filled()
        rows = [
            row_of(row, self._strips.of(row)) for row in {id(row): row for row in changed + filled}.values()
        ]
        if not (rows or gone or first):
            return
        if first:
            self._grid.options["rowData"] = rows
            self._grid.update()
        else:
            self._send(rows, gone)
        self._shown.update({(row["session"], row["party"]): row for row in rows})
        calls = {session for session, _ in self._shown}
        live = {row["session"] for row in self._shown.values() if row["state"] == "live"}
        self._count.text = f"{len(live)} live, {len(calls)} in all"

    async def _filled(self) -> list[PartyRow]:
        """Read some strips that are new to this process, of the most needy rows; return those rows."""
        rows = [row for _, parties in self._roster.rows() for row in parties if self._strips.lacks(row)]
        try:
            return await self._strips.fill(sorted(rows, key=lambda row: -row.need)[:MOST_FILLED])
        except Unavailable:
            return []

    def _send(self, rows: list[Row], gone: list[str]) -> None:
        added = [row for row in rows if (row["session"], row["party"]) not in self._shown]
        update = [row for row in rows if (row["session"], row["party"]) in self._shown]
        back = {(row["session"], row["party"]) for row in rows}  # of a session that was sent again
        doomed = [key for key in self._shown if key[0] in set(gone) and key not in back]
        remove = [{"key": self._shown.pop(key)["key"]} for key in doomed]
        self._grid.run_grid_method(
            "applyTransactionAsync", {"add": added, "update": update, "remove": remove}
        )

    def _search(self, text: str) -> None:
        self._q = text
        self._grid.run_grid_method("setGridOption", "quickFilterText", text)
        self._keep()

    def _filter(self, everything: bool) -> None:
        self._ended = everything
        self._grid.run_grid_method("setFilterModel", None if everything else LIVE_ONLY)
        self._keep()

    def _keep(self) -> None:
        """Keep the filter in the address, and for the way back from a call."""
        kept = ({"q": self._q} if self._q else {}) | ({} if self._ended else {"ended": "false"})
        query = json.dumps(f"?{urlencode(kept)}" if kept else "")
        ui.run_javascript(f"affectKeepFilter({query})")


def register(app: FastAPI) -> None:
    """Add the page to the site."""
    strips = Strips(app.state.reader)

    @ui.page("/", response_timeout=frame.BUILT_S)
    async def live(q: str = "", ended: bool = True) -> None:
        with frame.page("Live calls", "/"):
            await Page(app.state.roster, strips, q, ended).build()


def row_of(row: PartyRow, strip: str) -> Row:
    """Return what the table shows of a party."""
    return {
        "key": f"{row.session} {row.party}",
        "session": row.session,
        "party": row.party,
        "need": row.need,
        "cue": row.shown,
        "confidence": row.confidence,
        "known": row.label is not None,
        "alert": (row.alert or "").removeprefix(f"{row.party}: "),
        "conflict": row.conflict or "",
        "strip": strip,
        "length_ms": row.duration_ms,
        "state": row.state,
    }
