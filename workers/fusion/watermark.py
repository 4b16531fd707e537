"""How far a party has come in event time: its watermark, ends of streams, stalls."""

import math
from collections.abc import Callable, Collection, Iterator, Mapping

from affectstream.schemas.messages import MODALITIES, Modality, Stream
from affectstream.schemas.observations import Abstention, EndOfStream, Observation, Probabilities
from affectstream.workers.fusion.modality import Idleness, ModalityProgress, begun
from affectstream.workers.fusion.window import INDEX, NO_NUMBERS, Numbers, ResumePoint

ALL_OPEN: Mapping[Modality, Stream] = dict.fromkeys(MODALITIES, "open")

HasLag = Callable[[Modality], bool]


class PartyProgress:
    """The watermark of a party: the least of the modalities that it is expected to send."""

    __slots__ = (
        "_closed_ms",
        "_declared",
        "_fast",
        "_modalities",
        "_open_from_ms",
        "_quick",
        "_resumed_ms",
        "_stated",
        "_waited_for",
        "expects",
        "idle",
        "watermark_ms",
    )

    def __init__(self, point: ResumePoint, fast: Collection[Modality]) -> None:
        self.expects: tuple[Modality, ...] = ()  # in the order of MODALITIES
        self.watermark_ms = -math.inf  # the least of the modalities, but for stalled ones
        self.idle = Idleness()  # of the party as a whole
        self._declared: tuple[Modality, ...] = ()  # by the newest message
        self._resumed_ms = point.resumed_ms
        self._closed_ms = -math.inf if point.closed_ms is None else point.closed_ms
        self._modalities = [begun(point.numbers.get(m, NO_NUMBERS)) for m in MODALITIES]
        self._fast = fast
        self._waited_for: list[ModalityProgress] = []  # the expected ones that have not stalled
        self._quick: list[ModalityProgress] = []  # the fast ones among them, where there are others
        self._stated = {m: stream for m, stream in point.streams.items() if stream != "expected"}
        self._open_from_ms = math.inf  # windows that end later have all streams begun and none ended
        for modality, stream in self._stated.items():
            if stream == "ended":
                self._modalities[INDEX[modality]].end(-1, -1)

    def of(self, modality: Modality) -> ModalityProgress:
        """Return the progress of one modality."""
        return self._modalities[INDEX[modality]]

    def advance(  # noqa: C901  # a branch costs less than a call, for every observation
        self, item: Probabilities | Abstention, offset: int
    ) -> bool | None:
        """Move the watermark of a modality; False where ``item``, or a newer one, was here before.

        None, and nothing is moved, where its time has to be weighed first.
        """
        progress, watermark_ms = self._modalities[INDEX[item.modality]], float(item.watermark_ms)
        if watermark_ms - progress.observed_ms > progress.leap_ms:
            return None
        if item.expects != self._declared or self._stated:
            self._declare(item)
            progress = self._modalities[INDEX[item.modality]]
        start_ms = item.start_ms
        if start_ms < progress.first_ms:
            progress.first_ms = float(start_ms)
            self._update_streams()
        rank = start_ms, item.seq
        if rank <= progress.newest:
            if not item.seq and progress.zeros and start_ms not in progress.zeros:
                progress.restarted = True
            return False
        progress.newest = rank
        progress.advanced = self.idle.advanced = True
        if not item.seq:
            progress.zeros += (start_ms,)
        reach_ms = max(float(item.end_ms), watermark_ms)
        if reach_ms > progress.reach_ms:
            progress.reach_ms = reach_ms
        if watermark_ms > progress.observed_ms:
            progress.observed_ms, progress.offset = watermark_ms, offset
        before_ms = progress.watermark_ms
        if watermark_ms > before_ms:
            progress.watermark_ms = watermark_ms
        if progress.stalled:
            progress.stalled = False
            self._update_expected()
        elif before_ms <= self.watermark_ms < watermark_ms:  # it was the one that others waited for
            self._update_watermark()
        return True

    def end(self, item: EndOfStream, offset: int) -> bool:
        """Take note of the end of a stream; False where it was known."""
        self._declare(item)
        progress = self._modalities[INDEX[item.modality]]
        if progress.ended:
            return False
        progress.end(item.end_ms, offset)
        self.idle.advanced = True
        self._update_expected()
        return True

    def reach_ms(self) -> float:
        """Return what all fast modalities reach; minus infinity where there are none, or no others."""
        least = math.inf if self._quick else -math.inf
        for progress in self._quick:
            if progress.reach_ms < least:
                least = progress.reach_ms
        return least

    def streams(self, window_end_ms: int) -> Mapping[Modality, Stream]:
        """Return how far each expected stream has come by the end of a window, whatever arrived first."""
        if window_end_ms > self._open_from_ms:
            return ALL_OPEN
        streams: dict[Modality, Stream] = {}
        for modality, progress in self._expected():
            begun = progress.first_ms < window_end_ms or modality in self._stated
            streams[modality] = "open" if begun else "expected"
            if progress.ended_by(window_end_ms):
                streams[modality] = "ended"
        return streams

    def awaited(self, closing_ms: float) -> list[Modality]:
        """Return the modalities that keep the window to ``closing_ms`` open, but for stalled ones."""
        return [m for m, p in self._expected() if not p.stalled and p.watermark_ms < closing_ms]

    def stall(self, closing_ms: float, now_ms: int, stall_ms: int, lagging: Callable[[], bool]) -> None:
        """Stop waiting for modalities that have been silent for long while another has moved on.

        Those that keep the window to ``closing_ms`` open are awaited. Where their input is ``lagging`` they
        are given the time once more.
        """
        awaited = [p for p in self._waited_for if p.watermark_ms < closing_ms]
        moved_on = len(awaited) < len(self._waited_for)
        silent = [p for p in awaited if p.idle_ms(now_ms, moved_on) >= stall_ms]
        if not silent or not moved_on:
            return
        excused = lagging()
        for progress in awaited if excused else silent:
            progress.since_ms = now_ms
            progress.stalled = not excused
        self._update_expected()

    def silence_ms(self, closing_ms: float, now_ms: int) -> int:
        """Return for how long the party, or a modality that it waits for, was silent at the last check."""
        since_ms = [p.since_ms for p in self._waited_for if p.watermark_ms < closing_ms and not p.advanced]
        if not self.idle.advanced:
            since_ms.append(self.idle.since_ms)
        return now_ms - min(since_ms) if since_ms else 0

    def needed_from(self, written_ms: int, window_ms: int) -> list[int]:
        """Return the offsets that watermarks, ends of streams and held observations are needed from.

        ``written_ms`` is the end of the newest final. A watermark below the window after it can make no final
        late or early; the end of a stream is needed until a final states it.
        """
        expected = [self._modalities[INDEX[m]] for m in self.expects]
        offsets = [p.offset for p in expected if p.observed_ms >= written_ms + window_ms]
        offsets += [p.end_offset for p in expected if p.end_offset >= 0 and not p.ended_by(written_ms)]
        return offsets + [offset for p in self._modalities for _, offset in p.held]

    def numbers(self) -> dict[Modality, Numbers]:
        """Return which observations of each modality have come."""
        return {m: self.of(m).numbers() for m in MODALITIES}

    def held(self) -> list[tuple[Modality, ModalityProgress]]:
        """Return the modalities of which observations are held."""
        return [(m, progress) for m in MODALITIES if (progress := self.of(m)).held]

    def neighbour_ms(self, modality: Modality) -> float:
        """Return the watermark that the next one of a modality is held against; minus infinity for none."""
        own = self.of(modality).observed_ms
        return own if own > -math.inf else self._closed_ms

    def _expected(self) -> Iterator[tuple[Modality, ModalityProgress]]:
        return ((m, self._modalities[INDEX[m]]) for m in self.expects)

    def _declare(self, item: Observation) -> None:
        """Expect what a message declares; forget stated ends where the session goes on, numbered anew."""
        if item.expects != self._declared:
            self._declared = item.expects
            both = {*self.expects, *item.expects}
            self.expects = tuple(m for m in MODALITIES if m in both)
            self._update_expected()
        if item.seq == 0 and item.modality in self._stated and item.start_ms >= self._resumed_ms:
            for modality, stream in self._stated.items():
                if stream == "ended":
                    self._modalities[INDEX[modality]] = ModalityProgress()
            self._stated = {}
            self._update_expected()

    def _update_expected(self) -> None:
        """Compute anew what follows from which modalities are expected, have ended or have stalled."""
        self._waited_for = [progress for _, progress in self._expected() if not progress.stalled]
        quick = [progress for m, progress in self._expected() if m in self._fast and not progress.stalled]
        self._quick = quick if len(quick) < len(self.expects) else []
        self._update_watermark()
        self._update_streams()

    def _update_watermark(self) -> None:
        least = math.inf if self._waited_for else -math.inf
        for progress in self._waited_for:
            if progress.watermark_ms < least:
                least = progress.watermark_ms
        self.watermark_ms = least

    def _update_streams(self) -> None:
        open_from = [math.inf if p.ended else p.first_ms for _, p in self._expected()]
        self._open_from_ms = max(open_from, default=math.inf)
