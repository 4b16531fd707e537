"""What happened in a call, as a table: alerts, contradictions, turning points, each with its time."""

from collections.abc import Callable, Iterable
from typing import Any

from nicegui import ui

from affectstream.analytics.records import clock
from affectstream.dashboards.page.conversation import follow
from affectstream.dashboards.page.course import Mark
from affectstream.schemas.messages import Party

Row = dict[str, Any]

NAMES = ("at", "length", "party", "kind", "what")
PAGE = 25  # on the screen at once


class Events:
    """The table, laid out where it is made; ``jump`` is called with the time of a row that is clicked."""

    def __init__(self, jump: Callable[[int], None]) -> None:
        ui.html("<h2>What happened</h2>", sanitize=False)
        columns: list[Row] = [{"name": name, "label": name, "field": name, "align": "left"} for name in NAMES]
        columns[-1]["classes"] = "call-sentence"
        self._table = ui.table(columns=columns, rows=[], row_key="key", pagination=PAGE)
        self._table.classes("call-events").props('aria-label="What happened" no-data-label="Nothing yet"')
        follow(self._table, jump)

    def show(self, marks: Iterable[tuple[Mark, Party]], origin_ms: int) -> None:
        """Show what happened, in order; times count from ``origin_ms``."""
        found = sorted(marks, key=lambda each: each[0].from_ms)
        self._table.rows = [row(mark, party, origin_ms) | {"key": i} for i, (mark, party) in enumerate(found)]


def row(mark: Mark, party: Party, origin_ms: int) -> Row:
    """Return what the table shows of a mark; a moment has no length."""
    length = clock(mark.to_ms - mark.from_ms) if mark.to_ms > mark.from_ms else ""
    return {
        "at": clock(mark.from_ms - origin_ms),
        "length": f"{length}, open" if mark.is_open else length,
        "party": party,
        "kind": mark.kind,
        "what": mark.text,
        "from_ms": mark.from_ms,
    }
