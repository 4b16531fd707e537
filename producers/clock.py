"""Clocks of recordings that step back or leap: one shift per stretch, the same for all tracks.

Joined files, recorders that were restarted and chained streams begin their clock again; a clock that was set
leaps. As FFmpeg does, the stretch after a step back is read on where the one before it ended, and a leap of
more than an hour is taken out; a shorter one is a gap, in which nothing was recorded::

    stamps    0 1 2 3 | 0 1 2 3 | 7203 7204
    read at   0 1 2 3   4 5 6 7   8    9
"""

from collections.abc import Hashable
from dataclasses import dataclass
from fractions import Fraction
from math import inf

BACK_S = 0.2  # in the order of decoding, in which time stamps never fall; less is jitter
UNORDERED_BACK_S = 1.0  # where only the order of showing is known, in which frames lie up to this far apart
LEAP_S = 3600.0
GAP_S = 10.0
NEAR_S = 10.0  # tracks that lie this near to each other are in the same stretch


@dataclass(frozen=True)
class Fault:
    """A step back, a leap that was taken out, or a gap that was kept."""

    kind: str  # "again", "leap" or "gap"
    at_s: float  # after the first stamp
    by_s: float


class ClockRepair:
    """Follows the time stamps of all tracks of a recording and says by how much each must be shifted."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.first_s = 0.0
        self.end_s: float | None = None  # the latest end of anything so far, on the repaired clock
        self._shifts = [Fraction(0)]  # in s, of each stretch
        self._stretches: dict[Hashable, int] = {}
        self._before: dict[Hashable, tuple[float | None, float]] = {}  # stamps of the packet before
        self._joined: set[Hashable] = set()  # tracks of which the next packet is the first of another file

    def begin_file(self) -> None:
        """Take the next packet of every track for the first of another file, joined to the one before.

        Such a file may hold one packet, so that no stamp falls: it begins anew where it does not go on.
        """
        self._joined = set(self._before)

    def shift(self, track: Hashable, decoded_s: float | None, shown_s: float, length_s: float) -> Fraction:
        """Return what is to be added, in s, to the stamps of the next packet of ``track``."""
        newest = len(self._shifts) - 1
        at = self._stretches.get(track, newest)
        if self.end_s is None:
            self.first_s = self.end_s = shown_s
        back = self._fell(track, decoded_s, shown_s)
        leap = shown_s + float(self._shifts[at]) - self.end_s
        if back > 0 or leap > LEAP_S:
            at = self._next(at, shown_s, Fault("again", 0, back) if back > 0 else Fault("leap", 0, leap))
        elif leap > GAP_S:
            self.faults.append(Fault("gap", self.end_s - self.first_s, leap))
        self._stretches[track] = at
        self.end_s = max(self.end_s, shown_s + float(self._shifts[at]) + length_s)
        return self._shifts[at]

    def _fell(self, track: Hashable, decoded_s: float | None, shown_s: float) -> float:
        """Return by how many seconds the stamps of a track fell; 0 for jitter."""
        before_s, before_shown_s = self._before.get(track, (None, -inf))
        self._before[track] = decoded_s, shown_s
        if track in self._joined:
            self._joined.remove(track)
            return BACK_S if shown_s <= before_shown_s else 0.0
        if decoded_s is not None and before_s is not None:
            return before_s - decoded_s if before_s - decoded_s > BACK_S else 0.0
        fell = before_shown_s - shown_s
        return fell if fell > UNORDERED_BACK_S else 0.0

    def _next(self, at: int, shown_s: float, fault: Fault) -> int:
        """Return the stretch that a track enters: one that another track has entered, or a new one."""
        assert self.end_s is not None
        for later in range(at + 1, len(self._shifts)):
            if abs(shown_s + float(self._shifts[later]) - self.end_s) <= NEAR_S:
                return later
        self.faults.append(Fault(fault.kind, self.end_s - self.first_s, fault.by_s))
        self._shifts.append(Fraction(round(1000 * (self.end_s - shown_s)), 1000))
        return len(self._shifts) - 1


def described(faults: list[Fault]) -> list[str]:
    """Return in words what was done about the faults of a clock, kind by kind."""
    words = {
        "again": "the clock begins anew {times}, first after {at:.1f} s; what follows is read on from there",
        "leap": "the clock leaps {times}, first after {at:.1f} s by {by:,.0f} s; leaps of over an hour are "
        "taken out, what follows is read on from there",
        "gap": "nothing was recorded {times}, first after {at:.1f} s for {by:.0f} s; the gaps are kept",
    }
    found = []
    for kind, text in words.items():
        if own := [fault for fault in faults if fault.kind == kind]:
            times = "once" if len(own) == 1 else f"{len(own)} times"
            found.append(text.format(times=times, at=own[0].at_s, by=own[0].by_s))
    return found
