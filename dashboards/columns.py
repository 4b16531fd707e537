"""The final windows of parties as arrays: each final is decoded once, and costs 122 bytes from then on."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from msgspec import Struct, field
from numpy.typing import NDArray

from affectstream.analytics.label import NOTHING, Display, DisplayedLabel, step
from affectstream.dashboards.limits import within
from affectstream.runtime import rows
from affectstream.runtime.store import FusedStore
from affectstream.schemas.labels import EMOTIONS, INDEX, N_EMOTIONS
from affectstream.schemas.messages import MODALITIES, Party, PartyKey, Reason

PAGE = 2_000  # finals of one round trip; decoded in a few milliseconds, between which others are answered
MEASURES = ("confidence", "uncertainty", "disagreement")
STATUSES = ("none", "present", "abstained", "missing", *Reason)  # none: the modality is no part of the call
PLACE = {name: m for m, name in enumerate(MODALITIES)}
STATUS: dict[str, int] = {name: code for code, name in enumerate(STATUSES)}
NO_LABEL = -1
ROW = np.dtype(
    [
        ("start_ms", "i8"),
        ("end_ms", "i8"),
        ("p", "f8", N_EMOTIONS),  # not a number where there is no evidence
        ("measures", "f8", len(MEASURES)),
        ("weight", "f4", len(MODALITIES)),
        ("status", "i1", len(MODALITIES)),
        ("label", "i1"),
        ("shown", "i1"),
        ("smoothed", "i1"),  # what is displayed however uncertain, and since when
        ("since_ms", "i8"),
    ]
)
NO_P = (np.nan,) * N_EMOTIONS

Rows = NDArray[Any]
Entry = tuple[int, bytes]  # end of a final's window, and its bytes


class State(Struct, gc=False):
    """What the columns keep of a modality."""

    modality: str = field(name="mod")
    state: str
    reason: str | None = None
    weight: float = 0.0


class Window(Struct, gc=False):
    """What the columns keep of a final; only fusion writes finals, so types are check enough."""

    start_ms: int = field(name="start")
    end_ms: int = field(name="end")
    p: tuple[float, ...] | None
    label: str | None
    confidence: float
    uncertainty: float
    disagreement: float
    modalities: tuple[State, ...] = field(name="mods")
    rule: str


decode = msgspec.msgpack.Decoder(Window).decode


class Columns:
    """The finals of one party, the oldest first, and what is displayed for each."""

    def __init__(self, display: Display) -> None:
        self._display = display
        self._rows = np.empty(0, ROW)
        self._size = 0
        self._displayed = NOTHING  # for the newest final
        self.newest: Entry | None = None  # the last that was read

    @property
    def rows(self) -> Rows:
        """The finals (n,) of `ROW`, as a view that later finals do not change."""
        return self._rows[: self._size]

    @property
    def nbytes(self) -> int:
        """The memory that they take."""
        return self._rows.nbytes

    def append(self, entries: Sequence[Entry]) -> None:
        """Append finals as Redis holds them, in order; one that cannot be read is left out, loudly."""
        new = [self._row(final) for _, data in entries if (final := _decoded(data)) is not None]
        self.newest = entries[-1] if entries else self.newest
        end = self._size + len(new)
        if end > len(self._rows):
            self._rows = np.resize(self._rows, max(end, 64, len(self._rows) * 3 // 2))
        self._rows[self._size : end] = np.array(new, ROW)
        self._size = end

    def between(self, after_ms: int | None, until_ms: int | None) -> Rows:
        """Return the finals that end after one time and by another."""
        ends = self.rows["end_ms"]
        first = 0 if after_ms is None else np.searchsorted(ends, after_ms, side="right")
        return self.rows[first : None if until_ms is None else np.searchsorted(ends, until_ms, side="right")]

    def displayed(self, ends_ms: Sequence[int]) -> list[DisplayedLabel]:
        """Return what is displayed for the newest final that ends by each time; nothing before the first."""
        places = np.searchsorted(self.rows["end_ms"], ends_ms, side="right") - 1
        return [_displayed(self.rows[place]) if place >= 0 else NOTHING for place in places.tolist()]

    def _row(self, final: Any) -> tuple[Any, ...]:
        self._displayed = now = step(self._display, self._displayed, final)
        weight, status = [0.0] * len(MODALITIES), [0] * len(MODALITIES)
        for state in final.modalities:
            m = PLACE[state.modality]
            weight[m], status[m] = state.weight, _status(state)
        return (
            final.start_ms,
            final.end_ms,
            final.p or NO_P,
            (final.confidence, final.uncertainty, final.disagreement),
            tuple(weight),
            tuple(status),
            _code(final.label),
            _code(now.label),
            _code(now.smoothed),
            0 if now.since_ms is None else now.since_ms,
        )


class ColumnsCache:
    """The columns of the parties that were asked for last, within a number of bytes."""

    def __init__(self, store: FusedStore, display: Display, max_bytes: int) -> None:
        self._store, self._display, self._max_bytes = store, display, max_bytes
        self._parties: OrderedDict[PartyKey, Columns] = OrderedDict()
        self._reading: dict[PartyKey, asyncio.Lock] = {}

    async def columns(self, session_id: str, party: Party) -> Columns:
        """Return all finals of a party as Redis holds them now; only what is new is read and decoded.

        A session that was purged and written again is read anew: its newest final known here is not there.
        """
        key = session_id, party
        async with self._reading.setdefault(key, asyncio.Lock()):
            found = await self._read(key, self._parties.get(key) or Columns(self._display))
            self._parties[key] = found
            self._parties.move_to_end(key)
        self._forget()
        return found

    async def since(self, session_id: str, party: Party, from_ms: int) -> Rows:
        """Return the finals of a party that end at ``from_ms`` or later, without keeping them."""
        found = Columns(self._display)
        found.append(await within(self._store.entries(session_id, party, from_ms, PAGE)))
        return found.rows

    async def _read(self, key: PartyKey, known: Columns) -> Columns:
        while True:
            newest = known.newest
            page = await within(self._store.entries(*key, newest[0] if newest else None, PAGE))
            if newest is not None and page[:1] != [newest]:
                known = Columns(self._display)
                continue
            known.append(page[1:] if newest else page)
            if len(page) < PAGE:
                return known

    def _forget(self) -> None:
        """Drop what was asked for longest ago, where the columns take too much; the newest stay."""
        size = sum(columns.nbytes for columns in self._parties.values())
        while size > self._max_bytes and len(self._parties) > 1:
            key, columns = self._parties.popitem(last=False)
            size -= columns.nbytes
            self._reading.pop(key, None)


def _decoded(data: bytes) -> Any:
    """Return a final with the fields of `Window`; None where it cannot be read."""
    try:
        return decode(data)
    except msgspec.MsgspecError:
        return rows.readable(rows.parsed, data)  # of another version, or foreign


def _status(state: Any) -> int:
    """Return the place in STATUSES of a modality's state, or of its reason where it abstained."""
    return STATUS["present" if state.state == "held" else state.reason or state.state]


def _code(label: str | None) -> int:
    return NO_LABEL if label is None else INDEX[label]


def name(code: int) -> str | None:
    """Return the emotion of a code in a row."""
    return None if code == NO_LABEL else EMOTIONS[code]


def _displayed(row: Any) -> DisplayedLabel:
    smoothed = name(row["smoothed"])
    since_ms = None if smoothed is None else int(row["since_ms"])
    return DisplayedLabel(name(row["shown"]), smoothed, since_ms)
