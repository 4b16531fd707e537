"""Stretches in which the modalities contradict each other."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import get_args

from affectstream.analytics import alerts, words
from affectstream.analytics.means import mean
from affectstream.analytics.records import Episode
from affectstream.analytics.rules import Rule
from affectstream.schemas.conflict import DISAGREE, sides
from affectstream.schemas.messages import MODALITIES, Alert, FusedEmotion, Modality, Party

RULE = Rule(
    name="episode", kind="disagreement", level=DISAGREE, hysteresis=0.1, seconds=2, parties=get_args(Party)
)
"""Said to contradict each other: for two seconds at least so much, until it is 0.1 less."""

GAP_MS = 3_000  # longer than this without two modalities that speak ends an episode


def episodes(windows: Sequence[FusedEmotion]) -> tuple[Episode, ...]:
    """Return the episodes of a party, from its finals in order."""
    return tuple(episode for stretch in _stretches(windows) for episode in _within(stretch))


def _stretches(windows: Sequence[FusedEmotion]) -> list[list[FusedEmotion]]:
    """Return the windows in which two modalities speak, parted where there is none for too long."""
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
    said = _said(inside)
    return Episode(
        start_ms=begin.since_ms,
        end_ms=end_ms,
        peak=max(w.disagreement for w in inside),
        said={modality: said[modality] for modality in MODALITIES if modality in said},
        text=sides(said),
    )


def _said(windows: Sequence[FusedEmotion]) -> dict[Modality, str]:
    """Return the label of each modality's mean distribution over the windows."""
    out = {}
    for modality in MODALITIES:
        p = mean([s.p for w in windows for s in w.modalities if s.modality == modality and s.p is not None])
        if p is not None:
            out[modality] = words.top(p)
    return out
