"""The moods of all calls over time: shares of windows by emotion, in stretches of equal length."""

import asyncio
import heapq
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import Field, create_model

from affectstream.analytics.usual import UNKNOWN as UNKNOWN_VOICE
from affectstream.analytics.usual import Usual
from affectstream.dashboards.buckets import DECIMALS
from affectstream.dashboards.buckets import length_ms as usual_ms
from affectstream.dashboards.columns import NO_LABEL, Rows
from affectstream.dashboards.reader import Reader
from affectstream.dashboards.responses import Ms, PartyRow, ResponseModel, Share
from affectstream.dashboards.roster import Roster
from affectstream.schemas.labels import EMOTIONS, N_EMOTIONS
from affectstream.schemas.messages import PartyKey

MOST_PARTIES = 500  # whose windows make the moods of all calls

LABELS: dict[str, Any] = {
    name: (Share, Field(description=f"share of the windows that display {name}")) for name in EMOTIONS
}

Mood = create_model(
    "Mood",
    __base__=ResponseModel,
    __doc__="The windows of all parties of all calls that start within a stretch of time.",
    start_ms=(Ms, ...),
    parties=(int, Field(description="how many have windows in it")),
    unsure=(Share, Field(description="share of the windows with evidence that display no label")),
    unknown=(Share, Field(description="share of the windows without evidence")),
    **LABELS,
)


UNSURE, UNKNOWN = N_EMOTIONS, N_EMOTIONS + 1
Counts = npt.NDArray[np.uint16]  # (cells, N_EMOTIONS + 2): windows by displayed label, unsure and unknown

CELL_MS = 5_000
MOST_CELLS = 17_280  # a day of a party
BUDGET_S = 1.0  # of reading for one answer; what is not counted by then is counted for the next ones
AT_ONCE = 250  # parties that are read together


@dataclass
class Counted:
    """The windows of one party by displayed label, in cells of CELL_MS."""

    first_end_ms: int  # of its first final: another one is of another run
    newest_ms: int = -1  # end of the newest final that is counted
    first_cell: int = 0
    usual: Usual = UNKNOWN_VOICE  # up to the newest
    counts: Counts = field(default_factory=lambda: np.zeros((0, UNKNOWN + 1), np.uint16))

    def add(self, rows: Rows) -> None:
        """Count finals that end after those before, in order."""
        if not len(rows):
            return
        self.newest_ms = int(rows["end_ms"][-1])
        last = int(rows["start_ms"][-1]) // CELL_MS
        rows = rows[rows["start_ms"] // CELL_MS > last - MOST_CELLS]
        cells = rows["start_ms"] // CELL_MS
        if not len(self.counts):
            self.first_cell = int(cells[0])
        old = min(len(self.counts), max(0, last - MOST_CELLS + 1 - self.first_cell))
        self.first_cell, self.counts = max(self.first_cell, last - MOST_CELLS + 1), self.counts[old:]
        lacking = last - self.first_cell + 1 - len(self.counts)
        self.counts = np.pad(self.counts, ((0, max(0, lacking)), (0, 0)))
        labels = np.where(rows["shown"] == NO_LABEL, UNSURE, rows["shown"])
        labels = np.where(rows["label"] == NO_LABEL, UNKNOWN, labels)
        np.add.at(self.counts, (cells - self.first_cell, labels), 1)

    def between(self, from_ms: int | None, to_ms: int | None) -> "tuple[int, Counts]":
        """Return the first cell of a range, and the counts of its cells; a cell is where it begins."""
        last = self.first_cell + len(self.counts)
        low = self.first_cell if from_ms is None else min(last, max(self.first_cell, from_ms // CELL_MS))
        high = last if to_ms is None else max(low, min(last, -(-to_ms // CELL_MS)))
        return low, self.counts[low - self.first_cell : high - self.first_cell]


class Moods:
    """The counts of all calls, each final of which is read once."""

    def __init__(self, reader: Reader, now_s: Callable[[], float] = time.monotonic) -> None:
        self._reader, self._now_s = reader, now_s
        self._parties: OrderedDict[PartyKey, Counted] = OrderedDict()
        self._reading = asyncio.Lock()

    async def of(self, rows: Sequence[PartyRow]) -> tuple[list[Counted], int]:
        """Return the counts of these parties, and how many of them lack finals as time was up."""
        until_s, behind = self._now_s() + BUDGET_S, self.behind(rows)
        while behind:
            behind = await self.ahead(behind)
            if self._now_s() >= until_s:
                break
        found = [self._counted(row) for row in rows]
        while len(self._parties) > 2 * MOST_PARTIES:
            self._parties.popitem(last=False)
        return found, sum(each.newest_ms < row.end_ms for each, row in zip(found, rows, strict=True))

    def _counted(self, row: PartyRow) -> Counted:
        """Return what is counted of a party, from the beginning where another run has replaced it."""
        key, first_end_ms = (row.session, row.party), row.end_ms - row.duration_ms
        known = self._parties.get(key)
        if known is None or known.first_end_ms != first_end_ms or known.newest_ms > row.end_ms:
            known = self._parties[key] = Counted(first_end_ms)
        self._parties.move_to_end(key)
        return known

    def behind(self, rows: Sequence[PartyRow]) -> list[PartyRow]:
        """Return the parties of which not all finals are counted."""
        return [row for row in rows if self._counted(row).newest_ms < row.end_ms]

    async def ahead(self, behind: Sequence[PartyRow]) -> list[PartyRow]:
        """Count a page of finals of parties that are behind; return those that still are, and can be read."""
        rows = behind[:AT_ONCE]
        async with self._reading:  # a final that two requests read would count twice
            counted = list(map(self._counted, rows))
            asked = [
                ((row.session, row.party), of.newest_ms + 1) for row, of in zip(rows, counted, strict=True)
            ]
            pages = await self._reader.finals_of(asked, [of.usual for of in counted])
            for of, (page, usual) in zip(counted, pages, strict=True):
                of.add(page)
                of.usual = usual
        more = [row for row, (page, _) in zip(rows, pages, strict=True) if len(page)]
        return [*behind[AT_ONCE:], *self.behind(more)]


def newest(roster: Roster, from_ms: int | None = None, to: int | None = None) -> list[PartyRow]:
    """Return the parties with the newest windows, of those that have some in a range."""
    known = (row for _, found in roster.rows() for row in found)
    there = (row for row in known if row.end_ms > (from_ms or 0) and (to is None or row.start_ms < to))
    return heapq.nlargest(MOST_PARTIES, there, key=lambda row: row.end_ms)


def moods(parties: Iterable[tuple[int, Counts]], bucket_ms: int) -> list[Any]:
    """Return the stretches that hold windows, in order, aligned to the epoch; each window counts the same.

    ``parties`` are the first cell and the counts of each; ``bucket_ms`` is a multiple of CELL_MS.
    """
    found = [(_numbers(first, len(cells), bucket_ms), cells) for first, cells in parties if len(cells)]
    if not found:
        return []
    lowest, highest = min(n[0] for n, _ in found), max(n[-1] for n, _ in found)
    counts = np.zeros((highest + 1 - lowest, UNKNOWN + 2), np.int64)  # of windows, and of parties
    for numbers, cells in found:
        begins = np.flatnonzero(np.diff(numbers, prepend=numbers[0] - 1))
        windows = np.add.reduceat(cells, begins, dtype=np.int64)
        counts[numbers[begins] - lowest, :-1] += windows
        counts[numbers[begins] - lowest, -1] += windows.any(axis=1)
    there = np.flatnonzero(counts[:, -1])
    return [_mood(int(lowest + number) * bucket_ms, counts[number]) for number in there]


def _numbers(first: int, count: int, bucket_ms: int) -> npt.NDArray[np.int64]:
    """Return the stretch of each cell, of so many from the first on."""
    return (first + np.arange(count)) * CELL_MS // bucket_ms


def length_ms(parties: Sequence[tuple[int, Counts]], points: int) -> int:
    """Return the length of a stretch with which all of these are ``points`` at most."""
    spans = [(first, first + len(cells)) for first, cells in parties if len(cells)]
    cells = max(end for _, end in spans) - min(start for start, _ in spans) if spans else 0
    return max(CELL_MS, usual_ms(cells * CELL_MS, points))


def _mood(start_ms: int, row: npt.NDArray[np.int64]) -> Any:
    shares = (row[:-1] / row[:-1].sum()).round(DECIMALS).tolist()
    return Mood(
        start_ms=start_ms,
        parties=int(row[-1]),
        unsure=shares[UNSURE],
        unknown=shares[UNKNOWN],
        **dict(zip(EMOTIONS, shares, strict=False)),
    )
