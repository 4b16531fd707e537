"""Tumbling windows aligned to the epoch: which ones an observation counts in, and what closed ones hold."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

from affectstream.schemas.messages import MODALITIES, FusedEmotion, Modality, PartyKey, Stream
from affectstream.schemas.observations import Abstention, EndOfStream, Observation, Probabilities

INSTANT_MS = 1  # what an instant weighs: observations of one modality are all instants or all intervals
INDEX = {modality: m for m, modality in enumerate(MODALITIES)}

Key = PartyKey
Rank = tuple[int, int]  # (start_ms, seq): first appearances arrive in this order
BEFORE_ALL: Rank = (-1, -1)


def floor_ms(time_ms: int, window_ms: int) -> int:
    """Return the start of the window that holds ``time_ms``."""
    return time_ms - time_ms % window_ms


def ceil_ms(time_ms: int, window_ms: int) -> int:
    """Return the first window boundary at or after ``time_ms``."""
    return -(-time_ms // window_ms) * window_ms


def reach_ms(item: Probabilities | Abstention) -> int:
    """Return the end of what ``item`` covers; an instant covers its own millisecond."""
    return max(item.end_ms, item.start_ms + INSTANT_MS)


def needed_until_ms(item: Probabilities | Abstention, window_ms: int) -> int:
    """Return the end of the finals after which a restarted join can do without ``item``.

    An observation is needed for the windows that it overlaps, and for the watermark that it carried: below
    the window that its ``watermark_ms`` lies in, forgetting it can make no final late or early.
    """
    return max(ceil_ms(reach_ms(item), window_ms), floor_ms(item.watermark_ms, window_ms))


class Window:
    """The observations of an open window by modality, in the order of their arrival."""

    __slots__ = ("mixed", "offset", "ordered", "rows")

    def __init__(self, offset: int) -> None:
        self.offset = offset  # of the first record that counts in it
        self.rows: tuple[list[Probabilities | Abstention], ...] = ([], [], [])  # by INDEX
        self.mixed = [False, False, False]  # whether abstentions or faces are among them, by INDEX
        self.ordered = True  # those of a modality lie in the order of their rank

    def put(self, item: Probabilities | Abstention, fresh: bool) -> bool:
        """Take ``item`` in; False where it is there already, which one that is ``fresh`` cannot be."""
        m = INDEX[item.modality]
        if not fresh:
            if any(row.start_ms == item.start_ms and row.seq == item.seq for row in self.rows[m]):
                return False
            self.ordered = False
        self.rows[m].append(item)
        if item.__class__ is not Probabilities or item.faces:
            self.mixed[m] = True
        return True


class ClosedWindow(NamedTuple):
    """A window taken out of its party to be fused: a final, or the early pane of one that stays open."""

    key: Key
    start_ms: int
    window: Window | None  # None where nothing overlaps it
    expects: tuple[Modality, ...]  # in the order of MODALITIES
    streams: Mapping[Modality, Stream]
    run: str = ""


@dataclass(frozen=True, slots=True)
class Numbers:
    """The numbers of a modality's observations that have come: its identity within a run."""

    newest: Rank = BEFORE_ALL
    zeros: tuple[int, ...] = ()  # starts of the observations with number 0: a restarted producer has another
    restarted: bool = False  # one came that began in the past

    def passed(self, item: Observation) -> bool:
        """Say whether an observation that is no newer than the newest is a duplicate, and not late."""
        if self.restarted or item.seq > self.newest[1]:
            return False
        return item.seq > 0 or not self.zeros or item.start_ms in self.zeros


NO_NUMBERS = Numbers()
Verdict = Literal["new", "duplicate", "late"]


@dataclass(frozen=True, slots=True)
class ResumePoint:
    """Where a party stopped: one that is over, or one whose finals another process wrote."""

    closed_ms: int | None = None  # the end of the newest closed window
    resumed_ms: int = -1  # up to here another process saw all that there was
    end_ms: int = -1  # the largest end seen
    numbers: Mapping[Modality, Numbers] = field(default_factory=dict)
    streams: Mapping[Modality, Stream] = field(default_factory=dict)  # as the newest final states them

    @staticmethod
    def after(end_ms: int, final: FusedEmotion | None) -> "ResumePoint":
        """Return where a party goes on after its newest final; None is one that cannot be read."""
        states = () if final is None else final.modalities
        return ResumePoint(end_ms, end_ms, streams={state.modality: state.stream for state in states})

    def verdict(self, item: Observation, window_ms: int) -> Verdict:
        """Say whether ``item`` was there before, is needed for nothing that is to come, or is late."""
        if isinstance(item, EndOfStream):
            stated = self.streams.get(item.modality) == "ended" and item.end_ms <= self.resumed_ms
            return "duplicate" if stated or item.end_ms <= self.end_ms else "new"
        numbers = self.numbers.get(item.modality, NO_NUMBERS)
        if (item.start_ms, item.seq) <= numbers.newest:
            return "duplicate" if numbers.passed(item) else "late"
        return "duplicate" if needed_until_ms(item, window_ms) <= self.resumed_ms else "new"

    def restarted(self, modality: Modality) -> "ResumePoint":
        """Return this point after an observation of a producer that began in the past."""
        numbers = replace(self.numbers.get(modality, NO_NUMBERS), restarted=True)
        return replace(self, numbers={**self.numbers, modality: numbers})
