"""Changes within a party's finals: turning points, and episodes in which the modalities disagree.

A turning point is a peak of a two-window change detector (Kifer, Ben-David, Gehrke, VLDB 2004). At every
border between two windows the mean distribution of the SIDE_MS before is compared with that of the SIDE_MS
after, by their Jensen-Shannon divergence (Lin 1991) as a share of its maximum. Where their labels differ, and
it is at least LEVEL and the largest such within SIDE_MS on either side, the party turned. An emotion that
grows or fades without another in its place is no turning point; slower changes show in the quarters.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from affectstream.analytics import alerts
from affectstream.analytics.records import DECIMALS, Distribution, Episode, TurningPoint
from affectstream.analytics.rules import Rule
from affectstream.models.fusion.evidence import disagreement
from affectstream.schemas.alert import Alert
from affectstream.schemas.conflict import DISAGREE, conflict, sides
from affectstream.schemas.labels import top
from affectstream.schemas.messages import MODALITIES, PARTIES, FusedEmotion, Modality

SIDE_MS = 8_000  # the least time between two turning points too
LEVEL = 0.2
RULE = Rule(name="episode", kind="disagreement", level=DISAGREE, hysteresis=0.1, seconds=2, parties=PARTIES)
"""Modalities contradict each other from two seconds of DISAGREE on, until it is 0.1 less."""

GAP_MS = 3_000  # an episode ends after more than this without two modalities present

Windows = Sequence[FusedEmotion]
Border = tuple[int, Distribution, Distribution]  # its time, the means before and after


def mean(distributions: Sequence[Distribution]) -> Distribution | None:
    """Return the plain mean of distributions over the emotions, None of none."""
    if not distributions:
        return None
    return tuple(sum(values) / len(distributions) for values in zip(*distributions, strict=True))


def mean_of(windows: Sequence[FusedEmotion]) -> Distribution | None:
    """Return the mean over the windows with evidence, None without any."""
    return mean([window.p for window in windows if window.p is not None])


def turning_points(windows: Windows) -> tuple[TurningPoint, ...]:
    """Return the turning points of a party, from its finals in order."""
    known = [window for window in windows if window.p is not None]
    borders = [border for i in range(1, len(known)) if (border := _border(known, i)) is not None]
    found = [p for p in _points(borders) if p.before != p.after and p.strength >= LEVEL]
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


def episodes(windows: Sequence[FusedEmotion]) -> tuple[Episode, ...]:
    """Return the episodes of a party, from its finals in order."""
    return tuple(episode for stretch in _stretches(windows) for episode in _within(stretch))


def _stretches(windows: Sequence[FusedEmotion]) -> list[list[FusedEmotion]]:
    """Return the windows with two modalities present, split where there is none for too long."""
    out: list[list[FusedEmotion]] = []
    for window in windows:
        if sum(state.p is not None for state in window.modalities) < 2:
            continue
        if not out or window.start_ms - out[-1][-1].end_ms > GAP_MS:
            out.append([])
        out[-1].append(window)
    return out


def _within(windows: Sequence[FusedEmotion]) -> list[Episode]:
    """Return the episodes of one stretch; an open one lasts until its last window."""
    found = alerts.alerts([RULE], windows)
    ends = {alert.alert_id: alert for alert in found if alert.edge == "end"}
    return [_episode(begin, ends.get(begin.alert_id), windows) for begin in found if begin.edge == "begin"]


def _episode(begin: Alert, end: Alert | None, windows: Sequence[FusedEmotion]) -> Episode:
    end_ms = end.start_ms if end else windows[-1].end_ms
    first = bisect_left(windows, begin.since_ms, key=lambda w: w.start_ms)
    inside = windows[first : bisect_right(windows, end_ms, key=lambda w: w.end_ms)]
    labels = _labels(inside)
    return Episode(
        start_ms=begin.since_ms,
        end_ms=end_ms,
        peak=max(w.disagreement for w in inside),
        said=dict(labels),
        text=_text(labels, max(inside, key=lambda w: w.disagreement)),
    )


def _text(labels: Mapping[Modality, str], peak: FusedEmotion) -> str:
    """Return the labels of the modalities; where all are the same, those of the window that differed most."""
    if len(set(labels.values())) > 1:
        return sides(labels)
    return conflict(peak) or f"{sides(labels)}, not equally surely"


def _labels(windows: Sequence[FusedEmotion]) -> dict[Modality, str]:
    """Return the label of each modality's mean distribution over the windows."""
    out = {}
    for modality in MODALITIES:
        p = mean([s.p for w in windows for s in w.modalities if s.modality == modality and s.p is not None])
        if p is not None:
            out[modality] = top(p)
    return out
