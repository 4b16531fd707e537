"""The displayed labels of the last minutes of each party, as one letter for each few seconds."""

from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from affectstream.dashboards.columns import name
from affectstream.dashboards.reader import Reader
from affectstream.dashboards.responses import PartyRow
from affectstream.schemas.labels import EMOTIONS
from affectstream.schemas.messages import PartyKey

CELL_MS = 5_000
CELLS = 60  # five minutes
LETTERS = {name: name[0] if name != "surprise" else "u" for name in EMOTIONS}  # s: sad
UNSURE, NOTHING = "?", "-"


@dataclass
class Strip:
    """The letters of one party, the newest last."""

    newest: int = -1  # cell
    letters: deque[str] = field(default_factory=lambda: deque(maxlen=CELLS))

    def add(self, end_ms: int, letter: str) -> None:
        """Take the label of a window; a later one of the same cell replaces it."""
        cell = end_ms // CELL_MS
        if self.newest >= 0:
            self.letters.extend(NOTHING for _ in range(min(CELLS, cell - self.newest - 1)))
        if cell == self.newest and self.letters:
            self.letters.pop()
        elif cell < self.newest:
            self.letters.clear()
        self.letters.append(letter)
        self.newest = cell


class Strips:
    """The strips of all parties: read from the store once, and from then on grown by their rows."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._strips: dict[PartyKey, Strip] = {}
        self._filled: set[PartyKey] = set()

    def of(self, row: PartyRow) -> str:
        """Take a party's newest row, and return its strip."""
        strip = self._strips.setdefault((row.session, row.party), Strip())
        strip.add(row.end_ms, _letter(row.shown, row.label))
        return "".join(strip.letters)

    def lacks(self, row: PartyRow) -> bool:
        """Say whether the minutes before this process came have not been read."""
        return (row.session, row.party) not in self._filled

    async def fill(self, rows: Sequence[PartyRow]) -> list[PartyRow]:
        """Read the last minutes of parties; return the rows whose strips are new. Raises Unavailable."""
        lacking = [row for row in rows if self.lacks(row)]
        for row in lacking:
            key = row.session, row.party
            found = await self._reader.recent(key, row.end_ms - CELLS * CELL_MS)
            self._filled.add(key)
            strip = self._strips[key] = Strip()
            for final in found:
                strip.add(int(final["end_ms"]), _letter(name(final["shown"]), name(final["label"])))
        return lacking

    def forget(self, sessions: Collection[str]) -> None:
        """Drop the strips of sessions that are gone."""
        for key in [key for key in self._strips if key[0] in sessions]:
            del self._strips[key]
            self._filled.discard(key)


def _letter(shown: str | None, label: str | None) -> str:
    if shown is not None:
        return LETTERS[shown]
    return UNSURE if label else NOTHING
