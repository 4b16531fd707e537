"""The final windows of parties as arrays: each final is decoded once, and costs 150 bytes from then on."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

import msgspec
import numpy as np
from msgspec import Struct, field
from numpy.typing import NDArray

from affectstream.analytics.label import CALM, NOTHING, Display, DisplayedLabel
from affectstream.analytics.usual import FLOOR, Heard, Logs, Usual, added, taken_off, usual_by
from affectstream.runtime import rows
from affectstream.schemas.labels import EMOTIONS, INDEX, N_EMOTIONS
from affectstream.schemas.messages import MODALITIES, Reason

MEASURES = ("confidence", "uncertainty", "disagreement")
STATUSES = ("none", "present", "abstained", "missing", *Reason)  # none: the modality is no part of the call
PLACE = {name: m for m, name in enumerate(MODALITIES)}
STATUS: dict[str, int] = {name: code for code, name in enumerate(STATUSES)}
STATUS["held"] = STATUS["present"]  # in finals before version 2
NO_LABEL = -1
CODE: dict[str | None, int] = {None: NO_LABEL}
CODE.update(INDEX)
ROW = np.dtype(
    [
        ("start_ms", "i8"),
        ("end_ms", "i8"),
        ("p", "f8", N_EMOTIONS),  # not a number where there is no evidence
        ("relative", "f4", N_EMOTIONS),  # the same with what is usual of the voice taken off
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
    packed: msgspec.Raw = field(name="p", default=msgspec.Raw())  # decoded where it is asked for
    model_id: str | None = field(name="model", default=None)

    @property
    def p(self) -> tuple[float, ...] | None:
        """The modality's own probabilities, where it has some."""
        return decode_p(self.packed) if self.packed else None


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
decode_p = msgspec.msgpack.Decoder(tuple[float, ...] | None).decode


class Columns:
    """The finals of one party, the oldest first, and what is displayed for each."""

    def __init__(self, display: Display) -> None:
        self._display = display
        self._rows = np.empty(0, ROW)
        self._size = 0
        self._displayed = NOTHING  # for the newest final
        self._usual: list[Heard] = []
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
        finals = _all_decoded(entries)
        self.newest = entries[-1] if entries else self.newest
        end = self._size + len(finals)
        if end > len(self._rows):
            grown = np.empty(max(end, 64, len(self._rows) * 3 // 2), ROW)
            grown[: self._size] = self.rows
            self._rows = grown
        new = self._rows[self._size : end]
        _fill(new, finals)
        (heard,) = _display(new, self._display, [(finals, self._displayed)])
        self._usual += heard
        self._displayed = self._of(new[-1]) if finals else self._displayed
        self._size = end

    def between(self, after_ms: int | None, until_ms: int | None) -> Rows:
        """Return the finals that end after one time and by another."""
        ends = self.rows["end_ms"]
        first = 0 if after_ms is None else np.searchsorted(ends, after_ms, side="right")
        return self.rows[first : None if until_ms is None else np.searchsorted(ends, until_ms, side="right")]

    def displayed(self, ends_ms: Sequence[int]) -> list[DisplayedLabel]:
        """Return what is displayed for the newest final that ends by each time; nothing before the first."""
        places = np.searchsorted(self.rows["end_ms"], ends_ms, side="right") - 1
        return [self._of(self.rows[place]) if place >= 0 else NOTHING for place in places.tolist()]

    def _of(self, row: Any) -> DisplayedLabel:
        smoothed = name(row["smoothed"])
        since_ms = None if smoothed is None else int(row["since_ms"])
        return DisplayedLabel(name(row["shown"]), smoothed, since_ms, usual_by(self._usual, row["end_ms"]))


def recent(
    display: Display, parties: Sequence[Sequence[Entry]], usual: Sequence[Usual]
) -> list[tuple[Rows, Usual]]:
    """Return the finals of parties, and their usual voices after them, given those before.

    What is displayed is as if no label were before them.
    """
    finals = list(map(_all_decoded, parties))
    rows = np.empty(sum(map(len, finals)), ROW)
    _fill(rows, list(chain.from_iterable(finals)))
    before = [DisplayedLabel(usual=own) for own in usual]
    heard = _display(rows, display, list(zip(finals, before, strict=True)))
    found = np.split(rows, np.cumsum([len(each) for each in finals])[:-1])
    return [(new, each[-1][1] if each else own) for new, each, own in zip(found, heard, usual, strict=True)]


def learnt_of(entries: Sequence[Entry], display: Display, before: Usual) -> list[Heard]:
    """Return a party's usual voice after each final that adds to it, given what it was before."""
    found = [(-1, before)]
    for final in _all_decoded(entries):
        found += added(found[-1][1], final, display.routine)
    return found[1:]


def _all_decoded(entries: Sequence[Entry]) -> list[Any]:
    """Return the finals of entries that can be read."""
    return [final for _, data in entries if (final := _decoded(data)) is not None]


def _decoded(data: bytes) -> Any:
    """Return a final with the fields of `Window`; None where it cannot be read."""
    try:
        return decode(data)
    except msgspec.MsgspecError:
        return rows.readable(rows.parsed, data)  # of another version, or foreign


def _fill(rows: Rows, finals: Sequence[Any]) -> None:
    """Write finals into as many rows, all but what is displayed."""
    if not (n := len(finals)):
        return
    rows["start_ms"] = [final.start_ms for final in finals]
    rows["end_ms"] = [final.end_ms for final in finals]
    rows["p"] = _floats((final.p or NO_P for final in finals), n, N_EMOTIONS)
    measures = ((final.confidence, final.uncertainty, final.disagreement) for final in finals)
    rows["measures"] = _floats(measures, n, len(MEASURES))
    rows["label"] = [CODE[final.label] for final in finals]
    rows["weight"], rows["status"] = 0.0, STATUS["none"]
    states = [state for final in finals for state in final.modalities]
    row = np.repeat(np.arange(n), [len(final.modalities) for final in finals])
    place = np.array([PLACE[state.modality] for state in states], np.intp)
    rows["weight"][row, place] = [state.weight for state in states]
    rows["status"][row, place] = [STATUS[state.reason or state.state] for state in states]


def _floats(tuples: Iterable[tuple[float, ...]], count: int, length: int) -> Rows:
    """Return so many tuples of one length as an array."""
    return np.fromiter(chain.from_iterable(tuples), "f8", count * length).reshape(count, length)


def _display(
    rows: Rows, display: Display, parties: Sequence[tuple[Sequence[Any], DisplayedLabel]]
) -> list[list[Heard]]:
    """Write what is displayed for the finals of parties, in order: what `analytics.label.step` returns.

    Each party's come with what was displayed before them. Return the usual voice after each that adds to it.
    """
    heard: list[list[Heard]] = [[(-1, before.usual)] for _, before in parties]
    steps = [
        step
        for (finals, before), own in zip(parties, heard, strict=True)
        for step in _steps(display, finals, before, own)
    ]
    rules = [final.rule for finals, _ in parties for final in finals]
    least = {rule: display.minimum(rule) for rule in set(rules)}
    rows["smoothed"], rows["since_ms"] = [step[0] for step in steps], [step[1] for step in steps]
    off = _floats((step[2] for step in steps), len(steps), N_EMOTIONS)
    rows["relative"] = relative = _less(rows["p"], off)
    certain = rows["p"].max(axis=1) >= [least[rule] for rule in rules]
    certain &= (rows["label"] == INDEX[CALM]) | (rows["label"] == np.argmax(relative, axis=1))
    rows["shown"] = np.where(certain, rows["smoothed"], NO_LABEL)
    return [own[1:] for own in heard]


def _steps(
    display: Display, finals: Sequence[Any], before: DisplayedLabel, heard: list[Heard]
) -> Iterator[tuple[int, int, Logs]]:
    """Yield for each final the label however uncertain, since when, and what is taken off its logarithms.

    ``heard`` is extended by the usual voice after each final that adds to it.
    """
    label, since_ms = CODE[before.smoothed], before.since_ms or 0
    for final in finals:
        new = NO_LABEL if final.p is None else CODE[final.label]
        if new == NO_LABEL:
            label, since_ms = NO_LABEL, 0
        elif label == NO_LABEL or (
            new != label and display.gives_way(final.p[new] - final.p[label], since_ms, final.start_ms)
        ):
            label, since_ms = new, final.start_ms
        yield label, since_ms, taken_off(heard[-1][1], final, display.routine)
        heard += added(heard[-1][1], final, display.routine)


def _less(p: Rows, off: Rows) -> Rows:
    """Return distributions (n, 7) with so much taken off their logarithms."""
    powers = np.maximum(p, FLOOR) * np.exp(-off)
    changed = off.any(axis=1, keepdims=True)
    return np.where(changed, powers / powers.sum(axis=1, keepdims=True), p)


def name(code: int) -> str | None:
    """Return the emotion of a code in a row."""
    return None if code == NO_LABEL else EMOTIONS[code]
