"""Where a party changed, by two windows of time that slide along.

At every border between two windows the mean distribution of the SIDE_MS before is compared with that of the
SIDE_MS after, by their Jensen-Shannon divergence (Lin 1991) as a share of its maximum. A turning point is
where that is at least LEVEL and the largest within SIDE_MS on either side: a two-window change detector
(Kifer, Ben-David, Gehrke, VLDB 2004) whose peaks are thinned out. Slower changes show in the quarters.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from affectstream.analytics.means import Distribution, mean_of
from affectstream.analytics.records import DECIMALS, TurningPoint
from affectstream.analytics.words import top
from affectstream.models.fusion.evidence import disagreement
from affectstream.schemas.messages import FusedEmotion

SIDE_MS = 8_000  # the least time between two turning points too
LEVEL = 0.2

Windows = Sequence[FusedEmotion]
Border = tuple[int, Distribution, Distribution]  # its time, the means before and after


def turning_points(windows: Windows) -> tuple[TurningPoint, ...]:
    """Return the turning points of a party, from its finals in order."""
    known = [window for window in windows if window.p is not None]
    borders = [border for i in range(1, len(known)) if (border := _border(known, i)) is not None]
    found = [point for point in _points(borders) if point.strength >= LEVEL]
    kept: list[TurningPoint] = []
    for point in sorted(found, key=lambda point: (-point.strength, point.at_ms)):
        if all(abs(point.at_ms - other.at_ms) >= SIDE_MS for other in kept):
            kept.append(point)
    return tuple(sorted(kept, key=lambda point: point.at_ms))


def divergence(pairs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the Jensen-Shannon divergence of each pair (n, 2, 7), as a share of its maximum."""
    return disagreement(pairs, np.ones(pairs.shape[:2], dtype=np.bool_))


def _border(known: Windows, i: int) -> Border | None:
    """Return the start of window ``i`` and both its sides; each needs evidence for half of its time."""
    at_ms = known[i].start_ms
    before = _side(known[max(0, i - _most(known[i])) : i], at_ms - SIDE_MS, at_ms)
    after = _side(known[i : i + _most(known[i])], at_ms, at_ms + SIDE_MS)
    if min(map(_length_ms, (before, after))) * 2 < SIDE_MS:
        return None
    return at_ms, mean_of(before) or (), mean_of(after) or ()


def _points(borders: Sequence[Border]) -> list[TurningPoint]:
    if not borders:
        return []
    strengths = divergence(np.array([(before, after) for _, before, after in borders], dtype=np.float64))
    return [
        TurningPoint(at_ms=at_ms, before=top(before), after=top(after), strength=round(float(s), DECIMALS))
        for (at_ms, before, after), s in zip(borders, strengths, strict=True)
    ]


def _most(window: FusedEmotion) -> int:
    """Return how many windows a side can hold."""
    return -(-SIDE_MS // max(1, window.end_ms - window.start_ms))


def _side(windows: Windows, from_ms: int, to_ms: int) -> list[FusedEmotion]:
    return [w for w in windows if from_ms <= w.start_ms and w.end_ms <= to_ms]


def _length_ms(windows: Windows) -> int:
    return sum(window.end_ms - window.start_ms for window in windows)
