"""How far one modality has come in event time, and what of it is held until its times are believed."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from affectstream.schemas.observations import Abstention, Probabilities
from affectstream.workers.fusion.window import BEFORE_ALL, Numbers, Rank

LEAP_MS = 60_000  # of a watermark at once: further is a matter of belief

Held = tuple[Probabilities | Abstention, int]  # with the offset of its record


@dataclass(slots=True)
class Idleness:
    """Since when nothing came, on a clock that is read at every check."""

    advanced: bool = True  # something came since the last check
    since_ms: int = 0

    def idle_ms(self, now_ms: int, waited_for: bool = True) -> int:
        """Return for how long nothing came while others waited for it."""
        if self.advanced or not waited_for:
            self.since_ms = now_ms
        self.advanced = False
        return now_ms - self.since_ms


@dataclass(slots=True)
class ModalityProgress(Idleness):
    """The watermark of a modality, its newest observation, and whether its stream has ended or stalled."""

    watermark_ms: float = -math.inf  # the largest of its observations; infinite at the end of the stream
    observed_ms: float = -math.inf  # the largest of its observations
    reach_ms: float = -math.inf  # the largest end or watermark of its observations
    first_ms: float = math.inf  # the smallest start
    newest: Rank = BEFORE_ALL
    zeros: tuple[int, ...] = ()  # starts of the observations with number 0
    restarted: bool = False  # one came that began in the past: numbers do not tell duplicates any more
    leap_ms: float = -math.inf  # a watermark that moves further at once has to be weighed
    held: Sequence[Held] = ()  # of which it is not known yet whether their times are right
    ended: bool = False
    stalled: bool = False
    offset: int = -1  # of the record that the watermark came with
    end_offset: int = -1  # of the record with the end of the stream; -1 where a final states it
    end_ms: int = -1  # of the end of the stream

    def end(self, end_ms: int, offset: int) -> None:
        """Take note of the end of the stream."""
        self.ended, self.stalled, self.advanced = True, False, True
        self.end_ms, self.end_offset = end_ms, offset
        self.watermark_ms = self.reach_ms = math.inf

    def numbers(self) -> Numbers:
        """Return which observations have come."""
        return Numbers(self.newest, self.zeros, self.restarted)

    def weigh_next(self) -> None:
        """Have leaps weighed from now on, and everything while observations are held."""
        self.leap_ms = -math.inf if self.held else LEAP_MS

    def ended_by(self, window_end_ms: int) -> bool:
        """Say whether it is the end of the stream that lets the window close, whatever arrived first."""
        return self.ended and self.observed_ms < window_end_ms and self.end_ms <= window_end_ms


def begun(numbers: Numbers) -> ModalityProgress:
    """Return the progress of a modality that goes on after these numbers."""
    return ModalityProgress(newest=numbers.newest, zeros=numbers.zeros, restarted=numbers.restarted)
