"""What the bench measures of finals and alerts: shares, steadiness, agreement, alarms."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from affectstream.analytics.changes import mean_of
from affectstream.analytics.label import Display, labels
from affectstream.schemas.alert import Alert
from affectstream.schemas.labels import EMOTIONS
from affectstream.schemas.messages import FusedEmotion

Finals = Sequence[FusedEmotion]
Figures = dict[str, float]
HOUR_MS = 3_600_000
UNSURE = "unsure"  # evidence, but no displayed label
CALM = ("neutral", UNSURE)
DECIMALS = 4


@dataclass(frozen=True)
class Judged:
    """The finals of one recording, and what is displayed for each."""

    finals: Finals
    shown: tuple[str | None, ...]  # a label, UNSURE, or None without evidence

    @property
    def spoken(self) -> list[str]:
        """Return what is displayed for the windows with evidence."""
        return [label for label in self.shown if label is not None]


def judged(finals: Finals, display: Display) -> Judged:
    """Return the finals with their displayed labels."""
    found = labels(display, finals)
    shown = [d.label or (UNSURE if w.p is not None else None) for w, d in zip(finals, found, strict=True)]
    return Judged(finals, tuple(shown))


def shares(of: Judged) -> Figures:
    """Return the share of spoken windows per displayed label, and of all windows that have no evidence."""
    spoken = of.spoken
    found = {name: share(spoken.count(name), len(spoken)) for name in (*EMOTIONS, UNSURE)}
    found["calm"] = share(sum(map(spoken.count, CALM)), len(spoken))
    found["no speech"] = share(len(of.shown) - len(spoken), len(of.shown))
    return found


def steadiness(of: Judged) -> Figures:
    """Return how alike neighbouring windows are: share of equal displays, mean total variation."""
    pairs = [
        (a.p, b.p, s == t)
        for a, b, s, t in zip(of.finals, of.finals[1:], of.shown, of.shown[1:], strict=False)
        if a.p is not None and b.p is not None
    ]
    return {
        "same as before": share(sum(same for _, _, same in pairs), len(pairs)),
        "change to the next": _mean([total_variation(p, q) for p, q, _ in pairs]),
    }


def halves(of: Judged) -> Figures:
    """Return the total variation between the mean distributions of a recording's two halves."""
    middle = len(of.finals) // 2
    first, second = mean_of(of.finals[:middle]), mean_of(of.finals[middle:])
    apart = total_variation(first, second) if first and second else 0.0
    return {"between halves": round(apart, DECIMALS)}


def agreement(one: Judged, other: Judged) -> Figures:
    """Return how alike two versions of one recording are, window by window.

    Where only one of them has evidence they differ, and there is no distribution to compare.
    """
    rows = list(zip(one.finals, other.finals, one.shown, other.shown, strict=False))
    spoken = [row for row in rows if row[2] is not None or row[3] is not None]
    both = [(a.p, b.p) for a, b, _, _ in spoken if a.p is not None and b.p is not None]
    return {
        "equal": share(sum(s == t for _, _, s, t in spoken), len(spoken)),
        "total variation": _mean([total_variation(p, q) for p, q in both]),
    }


def total_variation(p: Sequence[float], q: Sequence[float]) -> float:
    """Return half the sum of the absolute differences of two distributions, in [0, 1]."""
    return float(np.abs(np.subtract(p, q)).sum() / 2)


def began(alerts: Sequence[Alert]) -> list[Alert]:
    """Return the begins of alerts."""
    return [alert for alert in alerts if alert.edge == "begin"]


def an_hour(count: int, finals: Finals) -> float:
    """Return so many alerts over the finals of one recording as a rate an hour."""
    return round(count * HOUR_MS / (finals[-1].end_ms - finals[0].start_ms), DECIMALS) if finals else 0.0


@dataclass(frozen=True)
class Stretch:
    """How many windows with evidence lie in a stretch of a recording and outside of it, and what they say."""

    windows: int
    right: int  # with its emotion as the likeliest
    shown: int  # that display it
    others: int  # that display another emotion, which neutral is none of
    outside: int
    emotions: int  # that are displayed outside


def within(of: Judged, start_ms: int, end_ms: int, emotion: str) -> Stretch:
    """Return what the windows of a recording say within a stretch of ``emotion`` and outside of it."""
    windows = [(w, s) for w, s in zip(of.finals, of.shown, strict=True) if w.p is not None]
    lies = [start_ms <= w.start_ms and w.end_ms <= end_ms for w, _ in windows]
    inside, outside = (
        [each for each, is_in in zip(windows, lies, strict=True) if is_in is wanted]
        for wanted in (True, False)
    )
    return Stretch(
        windows=len(inside),
        right=sum(w.label == emotion for w, _ in inside),
        shown=sum(s == emotion for _, s in inside),
        others=sum(s not in (emotion, *CALM) for _, s in inside),
        outside=len(outside),
        emotions=sum(s not in CALM for _, s in outside),
    )


def share(some: int, of: int) -> float:
    """Return a share, zero of nothing."""
    return round(some / of, DECIMALS) if of else 0.0


def _mean(values: Sequence[float]) -> float:
    return round(float(np.mean(values)), DECIMALS) if values else 0.0
