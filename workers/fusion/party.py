"""One party of one session: its open windows and when they close."""

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

from affectstream.schemas.messages import (
    Abstention,
    EndOfStream,
    FusedEmotion,
    Modality,
    Observation,
    Probabilities,
)
from affectstream.workers.fusion.clock import BEFORE_ALL, Clock, Rank
from affectstream.workers.fusion.reduce import Held
from affectstream.workers.fusion.window import ceil_ms, floor_ms, needed_until_ms, overlaps, reach_ms

GAP_MS = 3_600_000  # an empty window is written within an hour after one that holds something

Window = dict[Modality, dict[Rank, Held]]


class Heard(Enum):
    """What became of an observation."""

    KEPT = auto()
    DUPLICATE = auto()
    LATE = auto()  # for some or all of its windows; the others took it


@dataclass(frozen=True)
class Place:
    """Where a party stopped: one that is over, or one whose finals another process wrote."""

    closed_ms: int | None = None  # the end of the newest closed window
    resumed_ms: int = -1  # up to here another process saw all that there was
    end_ms: int = -1  # the largest end seen
    newest: Mapping[Modality, Rank] = field(default_factory=dict)
    before: FusedEmotion | None = None  # the newest final

    def passed(self, item: Observation, window_ms: int) -> bool:
        """Say whether ``item`` was there before, or is needed for nothing that is still to come."""
        if isinstance(item, EndOfStream):
            return item.end_ms <= self.end_ms
        if (item.start_ms, item.seq) <= self.newest.get(item.modality, BEFORE_ALL):
            return True
        return needed_until_ms(item, window_ms) <= self.resumed_ms


class PartyJoin:
    """The open windows of a party, the clocks of its modalities, and the end of its newest closed window."""

    def __init__(self, window_ms: int, place: Place) -> None:
        self.window_ms = window_ms
        self.expects: set[Modality] = set()
        self.clocks: dict[Modality, Clock] = {m: Clock(newest=r) for m, r in place.newest.items()}
        self.quiet = Clock()  # of the party as a whole
        closed_ms = place.closed_ms
        self.next_ms = None if closed_ms is None else ceil_ms(closed_ms, window_ms)  # the next final's start
        self.before = place.before  # the newest final: all that is kept of the past
        self._resumed_ms = place.resumed_ms
        self._windows: dict[int, Window] = {}
        self._start_ms: int | None = None
        self.end_ms = 0  # the largest end seen
        self._content_ms = self.next_ms or 0  # the end of the newest closed window that held something
        self._early_ms = 0  # the end of the newest early pane

    def hear(self, item: Observation) -> Heard:
        """Put ``item`` into the open windows that it overlaps, and move the clock of its modality."""
        self._expect(item.expects)
        clock = self.clocks[item.modality]
        if isinstance(item, EndOfStream):
            self.end_ms = max(self.end_ms, item.end_ms)
            fresh = clock.end()
            self.quiet.heard |= fresh
            return Heard.KEPT if fresh else Heard.DUPLICATE
        kept, late = self._keep(item)
        fresh = clock.advance((item.start_ms, item.seq), item.settled_ms)
        self.quiet.heard |= fresh
        self._start_ms = item.start_ms if self._start_ms is None else min(self._start_ms, item.start_ms)
        self.end_ms = max(self.end_ms, reach_ms(item))
        if late and fresh:
            return Heard.LATE
        return Heard.KEPT if kept else Heard.DUPLICATE

    def watermark_ms(self) -> float:
        """Return the time before which nothing is missing any more, but for modalities that have stalled."""
        return self._least(self.expects)

    @property
    def over(self) -> bool:
        """Whether every modality has ended or stalled, and one has ended."""
        return self.watermark_ms() == math.inf

    def finals(self) -> Iterator[tuple[int, Window]]:
        """Close and yield the windows that the watermark has passed, in order; empty ones too."""
        watermark_ms = self.watermark_ms()
        if watermark_ms == -math.inf:
            return
        if self.next_ms is None:
            if self._start_ms is None:
                return
            self.next_ms = floor_ms(self._start_ms, self.window_ms)
        limit_ms = self._limit_ms(watermark_ms)
        while self.next_ms < limit_ms:
            yield from self._close(self.next_ms, limit_ms)

    def rest(self) -> Iterator[tuple[int, Window]]:
        """Close and yield all windows up to the largest end seen, whatever the clocks say."""
        for clock in self.clocks.values():
            clock.stalled = False
            clock.watermark_ms = math.inf
        yield from self.finals()

    def early(self, fast: Collection[Modality]) -> Iterator[tuple[int, Window]]:
        """Yield, once each, the open windows with content that the ``fast`` modalities have passed."""
        quick = [m for m in self.expects if m in fast and not self.clocks[m].stalled]
        if not quick or len(quick) == len(self.expects) or self._start_ms is None:
            return
        passed_ms = self._least(quick)
        if passed_ms == -math.inf:
            return
        limit_ms = self._limit_ms(passed_ms)
        first_ms = max(self._early_ms, self.next_ms or 0)
        if limit_ms <= first_ms:
            return
        self._early_ms = limit_ms
        for start_ms in sorted(start for start in self._windows if first_ms <= start < limit_ms):
            yield start_ms, self._windows[start_ms]

    def next_end_ms(self) -> int | None:
        """Return the end of the window that waits to become final; None while nothing was observed."""
        if self.next_ms is not None:
            return self.next_ms + self.window_ms
        if self._start_ms is None:
            return None
        return floor_ms(self._start_ms, self.window_ms) + self.window_ms

    def awaited(self) -> list[Modality]:
        """Return the modalities that keep the next window from becoming final, but for stalled ones."""
        end_ms = self.next_end_ms()
        clocks = [(m, self.clocks[m]) for m in sorted(self.expects)]
        return [
            m
            for m, c in clocks
            if not c.stalled and c.watermark_ms < (math.inf if end_ms is None else end_ms)
        ]

    def open_windows(self) -> int:
        """Return how many windows hold something and wait."""
        return len(self._windows)

    def place(self) -> Place:
        """Return where the party stops, with its newest observations to know duplicates by."""
        newest = {m: clock.newest for m, clock in self.clocks.items()}
        return Place(self.next_ms, self._resumed_ms, self.end_ms, newest, self.before)

    def _expect(self, modalities: Collection[Modality]) -> None:
        for modality in modalities:
            self.expects.add(modality)
            if modality not in self.clocks:
                self.clocks[modality] = Clock()

    def _keep(self, item: Probabilities | Abstention) -> tuple[bool, bool]:
        """Return whether a window took the item, and whether one was closed to it since this join began."""
        kept = late = False
        for start_ms, overlap_ms in overlaps(item, self.window_ms):
            if self.next_ms is not None and start_ms < self.next_ms:
                late |= start_ms >= self._resumed_ms
                continue
            held = self._windows.setdefault(start_ms, {}).setdefault(item.modality, {})
            rank = (item.start_ms, item.seq)
            if rank not in held:
                held[rank] = Held(item, overlap_ms)
                kept = True
        return kept, late

    def _least(self, modalities: Collection[Modality]) -> float:
        least = math.inf
        stalled = 0
        for modality in modalities:
            clock = self.clocks[modality]
            stalled += clock.stalled
            if clock.watermark_ms < least and not clock.stalled:
                least = clock.watermark_ms
        return -math.inf if stalled == len(modalities) else least

    def _limit_ms(self, watermark_ms: float) -> int:
        """Return the end of the last window that is passed and not beyond all that was seen."""
        seen_ms = ceil_ms(self.end_ms, self.window_ms)
        return seen_ms if watermark_ms >= seen_ms else floor_ms(int(watermark_ms), self.window_ms)

    def _close(self, start_ms: int, limit_ms: int) -> Iterator[tuple[int, Window]]:
        window = self._windows.pop(start_ms, None)
        self.next_ms = start_ms + self.window_ms
        if window is not None:
            self._content_ms = self.next_ms
        elif start_ms >= self._content_ms + GAP_MS and self._content_ms > 0:
            self.next_ms = min([limit_ms, *(s for s in self._windows if s >= start_ms)])
            return
        yield start_ms, window or {}
