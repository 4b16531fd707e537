"""The page of all live calls: a row per party, with what is displayed now."""

from fastapi import FastAPI
from nicegui import ui

from affectstream.dashboards import listing
from affectstream.dashboards.page import frame
from affectstream.dashboards.responses import PartyRow
from affectstream.dashboards.roster import Roster
from affectstream.schemas.errors import Unavailable

ROWS = 200
REFRESH_S = 1.0
COLUMNS = [
    {"field": "session", "headerName": "Session", "flex": 2},
    {"field": "party", "headerName": "Party", "flex": 1},
    {"field": "cue", "headerName": "Cue", "flex": 2},
    {"field": "length", "headerName": "Since start", "flex": 1},
]
OPTIONS = {
    "columnDefs": COLUMNS,
    "rowData": [],
    ":getRowId": "(row) => row.data.session + ' ' + row.data.party",
    "overlayNoRowsTemplate": "No call is kept. Start one, or replay a recording.",
}


def register(app: FastAPI) -> None:
    """Add the page to the site."""

    @ui.page("/")
    async def live() -> None:
        with frame.page("Live calls", "/"):
            notice = ui.label().classes("live-notice").props('role="status"')
            grid = ui.aggrid(OPTIONS).classes("live-grid")

        async def refresh() -> None:
            try:
                rows = await _rows(app.state.roster)
            except Unavailable:
                notice.text = "The store does not answer; the page goes on as soon as it does."
                return
            notice.text = ""
            if rows != grid.options["rowData"]:
                grid.run_grid_method("setGridOption", "rowData", rows)
                grid.options["rowData"] = rows

        await refresh()
        ui.timer(REFRESH_S, refresh)


async def _rows(roster: Roster) -> list[dict[str, str]]:
    await roster.refresh()
    return [_row(row) for row in (await listing.sessions(roster, limit=ROWS)).sessions]


def _row(row: PartyRow) -> dict[str, str]:
    minutes, seconds = divmod(row.duration_ms // 1000, 60)
    cue = f"{row.label} {row.confidence:.2f}" if row.label else "nothing to read"
    return {"session": row.session, "party": row.party, "cue": cue, "length": f"{minutes}:{seconds:02d}"}
