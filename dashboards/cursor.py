"""How far a client of a session's events has come, as the id of the last event that it got."""

import re
from dataclasses import dataclass, field
from typing import Any

from affectstream.schemas.messages import PARTIES, Party

AlertPlace = tuple[int, int]  # the end of the window that decided, and the number among those of that window
NO_ALERT: AlertPlace = (-1, 0)
BY_LETTER: dict[str, Party] = {party[0]: party for party in PARTIES}
IDS = re.compile(r"([A-Za-z0-9._-]{0,32})((?:~[a-z]-?\d{1,16}\.-?\d{1,16}\.\d{1,9})*)")


@dataclass
class Cursor:
    """What of each party has been sent, of one run; `started` once that is known of all parties there are."""

    run: str = ""
    finals: dict[Party, int] = field(default_factory=dict)  # end of the last one
    alerts: dict[Party, AlertPlace] = field(default_factory=dict)
    started: bool = False
    over: bool = False  # the session is gone
    from_ms: int | None = None  # where one that has not started begins; None: with what is to come
    shown: dict[tuple[Party, str], Any] = field(default_factory=dict)  # rows and early panes; not resumed

    @property
    def id(self) -> str:
        """The cursor as text: the run, and per party the ends of the last final and of the last alert."""
        parts = [self.run]
        for party, end_ms in self.finals.items():
            at_ms, number = self.alerts.get(party, NO_ALERT)
            parts.append(f"{party[0]}{end_ms}.{at_ms}.{number}")
        return "~".join(parts)

    def restart(self, run: str) -> None:
        """Begin anew with another run of the session."""
        self.run, self.started = run, True
        self.finals, self.alerts, self.shown = {}, {}, {}


def read(text: str | None, from_ms: int | None = None) -> Cursor:
    """Return the cursor that an event's id says; one that begins at ``from_ms`` where that is no such id."""
    found = IDS.fullmatch(text or "")
    if not text or not found:
        return Cursor(from_ms=from_ms)
    cursor = Cursor(found[1], started=True)
    for part in found[2].split("~")[1:]:
        if party := BY_LETTER.get(part[0]):
            end_ms, at_ms, number = map(int, part[1:].split("."))
            cursor.finals[party], cursor.alerts[party] = end_ms, (at_ms, number)
    return cursor
