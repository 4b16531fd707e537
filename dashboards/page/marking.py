"""The form by which a supervisor marks a window right or wrong."""

import re

from nicegui import ui

from affectstream.dashboards.reader import Reader
from affectstream.runtime.feedback import FeedbackStore, Mark
from affectstream.schemas.errors import AffectError
from affectstream.schemas.labels import EMOTIONS
from affectstream.schemas.messages import Party

CLOCK = re.compile(r"(?:(\d+):)?(\d{1,2}):([0-5]\d)")
NOT_STATED = "not stated"
NAME = re.compile(r"[\w .@-]{1,64}")
ABOUT = "A mark changes no result. It is kept with your name, and exported to judge the models by."


class Form:
    """The form of one call."""

    def __init__(self, sid: str, reader: Reader, store: FeedbackStore) -> None:
        self._sid, self._reader, self._store = sid, reader, store

    def build(self) -> None:
        """Lay the form out."""
        with ui.expansion("Mark a window right or wrong").classes("marking"):
            ui.label(ABOUT)
            with ui.row().classes("call-bar"):
                self._party = ui.select(["customer", "agent", "other"], value="customer", label="Party")
                self._at = ui.input("Time (m:ss)")
                self._right = ui.toggle({True: "right", False: "wrong"}, value=False)
                self._right.props('aria-label="Right or wrong"')
                self._label = ui.select([NOT_STATED, *EMOTIONS], value=NOT_STATED, label="It should be")
                self._by = ui.input("Your name")
                ui.button("Mark", on_click=self._mark).props("no-caps")
            self._answer = ui.label().props('role="status"')

    async def _mark(self) -> None:
        at_ms, name = clock_ms(self._at.value or ""), (self._by.value or "").strip()
        if at_ms is None:
            self._answer.text = "Write the time as minutes and seconds: 0:17."
        elif not NAME.fullmatch(name):
            self._answer.text = "Write your name: letters, digits, spaces, dots, dashes."
        else:
            self._answer.text = await self._marked(self._party.value, at_ms, name)

    async def _origin_ms(self) -> int:
        """Return when the call begins: with the first window of any party."""
        parties = (await self._reader.session(self._sid)).parties
        starts = [(await self._reader.columns(self._sid, party)).rows["start_ms"][:1] for party in parties]
        return min(int(start[0]) for start in starts if len(start))

    async def _marked(self, party: Party, at_ms: int, name: str) -> str:
        try:
            columns = await self._reader.columns(self._sid, party)
            if not len(columns.rows):
                return f"The {party} has no window."
            origin_ms = await self._origin_ms()
            found = columns.between(origin_ms + at_ms, None)
            if not len(found) or found["start_ms"][0] > origin_ms + at_ms:
                return f"The {party} has no window at that time."
            label = None if self._label.value == NOT_STATED else self._label.value
            end_ms, right = int(found["end_ms"][0]), bool(self._right.value)
            mark = Mark(party=party, end_ms=end_ms, right=right, label=label, by=name)
            await self._store.add(self._sid, mark)
        except AffectError:
            return "It could not be kept: the store or the audit log does not answer."
        return "Marked. A later mark of the same window replaces it."


def clock_ms(text: str) -> int | None:
    """Return the milliseconds of ``m:ss`` or ``h:mm:ss``; None where it is neither."""
    found = CLOCK.fullmatch(text.strip())
    if found is None:
        return None
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return ((hours * 60 + minutes) * 60 + seconds) * 1000
