"""Utterances from probabilities of speech: where somebody begins to speak, pauses, and is cut short.

What is found depends on the frames since the last pause alone, and never on more than half a minute of them:
a process that begins to read in a pause, or at a multiple of ``CHAIN_MS`` since the epoch, finds the same::

    frames    . . s s s s . s s . . . . . . s s s s s s s s s s s s s s s s s
    spans         |-----------|             |------------------|------------
                  first frame, last frame   LONGEST_MS: cut where speech is least likely
    heard      ===|-----------|=         ===|------------------|=
           BEFORE_MS and AFTER_MS                             =|------------ CUT_MS
"""

from dataclasses import dataclass

ON, OFF = 0.3, 0.2  # of speech, to begin and to go on
PAUSE_MS = 500
BEFORE_MS, AFTER_MS = 500, 200  # of sound around an utterance that is heard too, at most a pause
CUT_MS = 200  # before one that follows a cut: the words there are the other one's
SHORTEST_MS = 200  # a click, a cough
LONGEST_MS = 10_000
LOOK_BACK_MS = 2_500  # for the place of a cut
CHAIN_MS = 30_000
CONTEXT = 2  # utterances whose words come with the one after them


@dataclass(frozen=True)
class Frame:
    """A stretch of sound in epoch time, and how likely somebody speaks in it."""

    start_ms: int
    end_ms: int
    p: float


@dataclass(frozen=True)
class Span:
    """An utterance, in epoch time."""

    start_ms: int
    end_ms: int
    follows_cut: bool = False

    @property
    def heard_ms(self) -> tuple[int, int]:
        """Return where the sound begins and ends that is heard of it."""
        return self.start_ms - (CUT_MS if self.follows_cut else BEFORE_MS), self.end_ms + AFTER_MS


def cell_of(end_ms: int) -> int:
    """Return the number of the half minute in which something ends."""
    return (end_ms - 1) // CHAIN_MS


class Segmenter:
    """Puts the frames of one party, in their order, together to utterances."""

    def __init__(self) -> None:
        self._frames: list[Frame] = []  # of the utterance that is open
        self._voiced_ms = 0  # end of the last of them with speech
        self._cut_before = False  # the open utterance follows a cut
        self._chained = False  # it begins at a multiple of CHAIN_MS, where one before it was ended

    @property
    def open_ms(self) -> int | None:
        """Return where the open utterance begins; None in a pause."""
        return self._frames[0].start_ms if self._frames else None

    @property
    def _follows_cut(self) -> bool:
        return self._cut_before or self._chained

    def push(self, frame: Frame) -> Span | None:
        """Take the next frame; return the utterance that it ends."""
        if not self._frames:
            self._begin(frame)
            return None
        if cell_of(frame.end_ms) != cell_of(self._frames[-1].end_ms):
            span = self.finish()
            self._begin(frame)
            return span
        self._frames.append(frame)
        if frame.p >= OFF:
            self._voiced_ms = frame.end_ms
        if frame.end_ms - self._voiced_ms >= PAUSE_MS:
            return self.finish()
        return self._cut(frame.end_ms) if frame.end_ms - self._frames[0].start_ms >= LONGEST_MS else None

    def finish(self) -> Span | None:
        """End the open utterance at its last speech; return it, None where it is too short for words."""
        if not self._frames:
            return None
        span = Span(self._frames[0].start_ms, self._voiced_ms, self._follows_cut)
        short = span.end_ms - span.start_ms < SHORTEST_MS and not self._cut_before
        self._frames, self._cut_before = [], False
        return None if short else span

    def _begin(self, frame: Frame) -> None:
        if frame.p >= ON:
            self._frames, self._voiced_ms = [frame], frame.end_ms
            self._chained = cell_of(frame.start_ms) != cell_of(frame.end_ms)

    def _cut(self, end_ms: int) -> Span:
        late = [n for n, frame in enumerate(self._frames) if n and frame.start_ms >= end_ms - LOOK_BACK_MS]
        at = min(late, key=lambda n: self._frames[n].p)
        span = Span(self._frames[0].start_ms, self._frames[at].start_ms, self._follows_cut)
        self._frames, self._cut_before = self._frames[at:], True
        self._voiced_ms = max(self._voiced_ms, self._frames[0].start_ms)
        return span
