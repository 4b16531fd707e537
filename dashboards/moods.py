"""The moods of all calls over time: shares of windows by emotion, in stretches of equal length."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import Field, create_model

from affectstream.dashboards.buckets import DECIMALS
from affectstream.dashboards.buckets import length_ms as usual_ms
from affectstream.dashboards.columns import NO_LABEL, Rows
from affectstream.dashboards.reader import Reader
from affectstream.dashboards.responses import Ms, PartyRow, ResponseModel, Share
from affectstream.schemas.labels import EMOTIONS, N_EMOTIONS
from affectstream.schemas.messages import PartyKey

MOST_PARTIES = 500  # whose windows make the moods of all calls

LABELS: dict[str, Any] = {
    name: (Share, Field(description=f"share of the windows labelled {name}")) for name in EMOTIONS
}

Mood = create_model(
    "Mood",
    __base__=ResponseModel,
    __doc__="The windows of all parties of all calls that start within a stretch of time.",
    start_ms=(Ms, ...),
    parties=(int, Field(description="how many have windows in it")),
    unknown=(Share, Field(description="share of the windows without a label")),
    **LABELS,
)


Counts = npt.NDArray[np.uint16]  # (cells, N_EMOTIONS + 1): windows by label, and without one

CELL_MS = 5_000
MOST_CELLS = 17_280  # a day of a party
BUDGET_S = 1.0  # of reading for one answer; what is not counted by then is counted for the next ones
AT_ONCE = 20  # parties that are read together


@dataclass
class Counted:
    """The windows of one party by label, in cells of CELL_MS."""

    first_end_ms: int  # of its first final: another one is of another run
    newest_ms: int = -1  # end of the newest final that is counted
    first_cell: int = 0
    counts: Counts = field(default_factory=lambda: np.zeros((0, N_EMOTIONS + 1), np.uint16))

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
        labels = np.where(rows["label"] == NO_LABEL, N_EMOTIONS, rows["label"])
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

    async def of(self, rows: Sequence[PartyRow]) -> tuple[list[Counted], int]:
        """Return the counts of these parties, and how many of them lack finals as time was up."""
        until_s = self._now_s() + BUDGET_S
        behind = [row for row in rows if self._counted(row).newest_ms < row.end_ms]
        for start in range(0, len(behind), AT_ONCE):
            if start and self._now_s() >= until_s:
                break
            await asyncio.gather(*(self._read(row, until_s) for row in behind[start : start + AT_ONCE]))
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

    async def _read(self, row: PartyRow, until_s: float) -> None:
        counted = self._counted(row)
        while counted.newest_ms < row.end_ms:
            page = await self._reader.recent(row.session, row.party, counted.newest_ms + 1)
            counted.add(page)
            if not len(page) or self._now_s() >= until_s:
                return


def moods(parties: Iterable[tuple[int, Counts]], bucket_ms: int) -> list[Any]:
    """Return the stretches that hold windows, in order, aligned to the epoch; each window counts the same.

    ``parties`` are the first cell and the counts of each; ``bucket_ms`` is a multiple of CELL_MS.
    """
    counts: dict[int, npt.NDArray[np.int64]] = {}  # by stretch: windows by label, without one, and parties
    for first, cells in parties:
        numbers = (first + np.arange(len(cells))) * CELL_MS // bucket_ms
        for number in np.unique(numbers):
            found = cells[numbers == number].sum(axis=0, dtype=np.int64)
            if found.any():
                row = counts.setdefault(int(number), np.zeros(N_EMOTIONS + 2, np.int64))
                row[:-1] += found
                row[-1] += 1
    return [_mood(number * bucket_ms, counts[number]) for number in sorted(counts)]


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
        unknown=shares[-1],
        **dict(zip(EMOTIONS, shares, strict=False)),
    )
