"""One party of one session: its open windows and when they close."""

import math
from collections.abc import Collection, Iterable, Iterator

from msgspec.structs import replace

from affectstream.schemas.messages import Modality
from affectstream.schemas.observations import Abstention, EndOfStream, Observation, Probabilities
from affectstream.workers.fusion.admission import ACCEPTED, DUPLICATE, LATE, UNSURE, Admission
from affectstream.workers.fusion.plausible import Weighing
from affectstream.workers.fusion.watermark import HasLag, PartyProgress
from affectstream.workers.fusion.window import (
    INDEX,
    INSTANT_MS,
    ClosedWindow,
    Key,
    ResumePoint,
    Window,
    ceil_ms,
)

GAP_MS = 3_600_000  # an empty window is written within an hour after one that holds something


class PartyJoin:
    """The open windows of a party, and how far its modalities have come."""

    __slots__ = (
        "_content_ms",
        "_end_ms",
        "_next_ms",
        "_resumed_ms",
        "_weighing",
        "_window_ms",
        "_windows",
        "closing_ms",
        "early_ms",
        "key",
        "progress",
        "run",
        "settled",
    )

    def __init__(
        self,
        key: Key,
        window_ms: int,
        point: ResumePoint,
        fast: Collection[Modality] = (),
        run: str = "",
    ) -> None:
        self.key, self.run = key, run
        self.progress = PartyProgress(point, fast)
        self._weighing = Weighing(self.progress)
        self.settled = self._weighing.settled  # what was held, what became of it, and its offset
        self._window_ms = window_ms
        self._windows: dict[int, Window] = {}
        self._next_ms = None if point.closed_ms is None else ceil_ms(point.closed_ms, window_ms)
        self._resumed_ms = point.resumed_ms
        self._end_ms = 0  # the largest end seen
        self._content_ms = self._next_ms or 0  # the end of the newest closed window that held something
        self.early_ms = (self._next_ms or 0) + window_ms  # the end of the next window that has an early pane
        # the end of the window that closes next; infinite before the first
        self.closing_ms = math.inf if self._next_ms is None else float(self._next_ms + window_ms)

    def add(self, item: Observation, offset: int) -> Admission:
        """Put ``item`` into the open windows that it overlaps, and advance its modality's watermark.

        Where it is UNSURE nothing has been done: it has to be weighed.
        """
        if isinstance(item, EndOfStream):
            return UNSURE
        fresh = self.progress.advance(item, offset)
        if fresh is None:
            return UNSURE
        window_ms, next_ms, start_ms = self._window_ms, self._next_ms, item.start_ms
        first_ms = start_ms - start_ms % window_ms
        if next_ms is None and first_ms + window_ms < self.closing_ms:
            self.closing_ms = float(first_ms + window_ms)
        reach_ms = item.end_ms if item.end_ms > start_ms else start_ms + INSTANT_MS
        if reach_ms > self._end_ms:
            self._end_ms = reach_ms
        if fresh and reach_ms <= first_ms + window_ms and (next_ms is None or first_ms >= next_ms):
            # what `Window.put` does, without a call for every observation
            window = self._windows.get(first_ms) or self._opened(first_ms, offset)
            window.rows[INDEX[item.modality]].append(item)
            if item.__class__ is not Probabilities or item.faces:
                window.mixed[INDEX[item.modality]] = True
            return ACCEPTED
        kept, late = self._keep(item, first_ms, reach_ms, fresh, offset)
        if late and (fresh or not self.progress.of(item.modality).numbers().passed(item)):
            return LATE
        return ACCEPTED if kept else DUPLICATE

    def weigh(self, item: Observation, offset: int, latest_ms: float) -> Admission:
        """Add ``item``, or hold it; refuse a time after ``latest_ms``, and bring back such an end."""
        if isinstance(item, EndOfStream):
            return self._end(item, offset, latest_ms)
        if item.watermark_ms > latest_ms:
            return Admission.IMPLAUSIBLE
        return self._weighing.weigh(item, offset, self.add)

    @property
    def due(self) -> bool:
        """Whether a window can close, or all streams have ended."""
        return self.progress.watermark_ms >= self.closing_ms

    @property
    def over(self) -> bool:
        """Whether every modality has ended or stalled, and one has ended."""
        return self.progress.watermark_ms == math.inf

    def finals(self) -> Iterator[ClosedWindow]:
        """Take out the windows that the watermark has passed, in order; empty ones too."""
        return self._close_to(self.progress.watermark_ms)

    def flush(self) -> Iterator[ClosedWindow]:
        """Take out all windows up to the largest end seen, whatever the watermark."""
        self._weighing.settle_all(self.add)
        return self._close_to(math.inf)

    def early(self) -> ClosedWindow | None:
        """Return the newest open window with content whose end the fast modalities reach, once."""
        reach_ms = self.progress.reach_ms()
        if reach_ms < self.early_ms or not self._windows:
            return None
        first_ms = self.early_ms - self._window_ms
        limit_ms = max(first_ms, self._limit_ms(reach_ms))
        self.early_ms = limit_ms + self._window_ms
        passed = [start for start in self._windows if first_ms <= start < limit_ms]
        return self._closed(max(passed), self._windows[max(passed)]) if passed else None

    def stall(self, now_ms: int, stall_ms: int, kin: Collection["PartyJoin"], has_lag: HasLag) -> bool:
        """Stop waiting for modalities that have stalled by now; return whether the party is silent at all.

        ``kin`` are all open parties of its session, itself among them. A producer that is held up by the lag
        of one modality is silent in all, so that lag of any that is awaited excuses all.
        """
        awaited = map(PartyJoin.awaited, kin)  # looked at only where one has stalled
        self.progress.stall(self.closing_ms, now_ms, stall_ms, lambda: _lag(awaited, has_lag))
        self._weighing.settle_stalled(self.add)
        idle = self.progress.idle
        if idle.idle_ms(now_ms) < stall_ms:
            return False
        if _lag([each.progress.expects for each in kin], has_lag):
            idle.since_ms = now_ms
            return False
        return True

    def awaited(self) -> list[Modality]:
        """Return the modalities that keep the next window from becoming final, but for stalled ones."""
        return self.progress.awaited(self.closing_ms)

    def silence_ms(self, now_ms: int) -> int:
        """Return for how long the party, or a modality that it waits for, was silent at the last check."""
        return self.progress.silence_ms(self.closing_ms, now_ms)

    def needed_from(self) -> int | None:
        """Return the offset of the first record that a restart needs once what was taken out is written."""
        written_ms = -1 if self._next_ms is None else self._next_ms  # none states an end yet
        offsets = self.progress.needed_from(written_ms, self._window_ms)
        offsets += [window.offset for window in self._windows.values()]
        return min(offsets, default=None)

    def open_windows(self) -> int:
        """Return how many windows hold something and wait."""
        return len(self._windows)

    def point(self) -> ResumePoint:
        """Return where the party stops, with its newest observations to know duplicates by."""
        return ResumePoint(self._next_ms, self._resumed_ms, self._end_ms, self.progress.numbers())

    def _end(self, item: EndOfStream, offset: int, latest_ms: float) -> Admission:
        if item.end_ms > latest_ms:
            at_ms = self._end_ms
            item = replace(item, start_ms=at_ms, end_ms=at_ms, watermark_ms=at_ms)
        if self.progress.of(item.modality).held:
            self._weighing.settle(item.modality, item.end_ms, self.add)
        self._end_ms = max(self._end_ms, item.end_ms)
        return ACCEPTED if self.progress.end(item, offset) else DUPLICATE

    def _keep(
        self, item: Probabilities | Abstention, first_ms: int, reach_ms: int, fresh: bool, offset: int
    ) -> tuple[bool, bool]:
        """Return whether a window took ``item``, and whether one was closed to it since this join began."""
        kept = late = False
        for start_ms in range(first_ms, reach_ms, self._window_ms):
            if self._next_ms is not None and start_ms < self._next_ms:
                late = late or start_ms >= self._resumed_ms
            else:
                window = self._windows.get(start_ms) or self._opened(start_ms, offset)
                kept = window.put(item, fresh) or kept
        return kept, late

    def _opened(self, start_ms: int, offset: int) -> Window:
        window = self._windows[start_ms] = Window(offset)
        return window

    def _close_to(self, watermark_ms: float) -> Iterator[ClosedWindow]:
        if self.closing_ms == math.inf:
            return
        next_ms = int(self.closing_ms) - self._window_ms
        limit_ms = self._limit_ms(watermark_ms)
        while next_ms < limit_ms:
            window = self._windows.pop(next_ms, None)
            if window is None and 0 < self._content_ms <= next_ms - GAP_MS:
                next_ms = min([limit_ms, *(start for start in self._windows if start >= next_ms)])
                continue
            yield self._closed(next_ms, window)
            next_ms += self._window_ms
            if window is not None:
                self._content_ms = next_ms
        self._next_ms, self.closing_ms = next_ms, float(next_ms + self._window_ms)
        self.early_ms = max(self.early_ms, next_ms + self._window_ms)

    def _limit_ms(self, watermark_ms: float) -> int:
        """Return the end of the last window that is passed and not beyond all that was seen."""
        window_ms = self._window_ms
        seen_ms = -(-self._end_ms // window_ms) * window_ms
        return seen_ms if watermark_ms >= seen_ms else int(watermark_ms // window_ms) * window_ms

    def _closed(self, start_ms: int, window: Window | None) -> ClosedWindow:
        streams = self.progress.streams(start_ms + self._window_ms)
        return ClosedWindow(self.key, start_ms, window, self.progress.expects, streams, self.run)


def _lag(modalities: Iterable[Iterable[Modality]], has_lag: HasLag) -> bool:
    """Say whether the input of any of ``modalities`` lags; each is asked about once at most."""
    return any(map(has_lag, sorted(set().union(*modalities))))
