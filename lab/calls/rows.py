"""Figures of judged recordings, as the rows of the page hold them."""

from collections.abc import Sequence

import numpy as np

from affectstream.lab.calls import judge
from affectstream.lab.calls.judge import Figures, Judged

SURE = 0.5  # of an emotion


def of_one(of: Judged, alerts: int) -> Figures:
    """Return the figures of a recording in which so many alerts begin."""
    return {
        **judge.shares(of),
        **judge.steadiness(of),
        **judge.halves(of),
        "alerts": alerts,
        "seconds": len(of.finals),
    }


def of_all(found: Sequence[Judged], alerts: int) -> Figures:
    """Return the figures over all recordings: each window counts once, halves once a recording."""
    together = Judged([w for of in found for w in of.finals], tuple(s for of in found for s in of.shown))
    rates = [judge.steadiness(of) for of in found]
    weights = [len(of.spoken) for of in found]
    return {
        **judge.shares(together),
        **{name: round(float(np.average([r[name] for r in rates], weights=weights)), 4) for name in rates[0]},
        "between halves": round(float(np.mean([judge.halves(of)["between halves"] for of in found])), 4),
        "alerts": alerts,
        "seconds": len(together.finals),
        "alerts an hour": round(alerts * 3600 / len(together.finals), 2),
    }


def of_recordings(found: Sequence[Judged]) -> Figures:
    """Return what the windows of recordings say, in the mean over these and of the worst."""
    spoken = [[w for w in of.finals if w.p is not None] for of in found]
    neutral = [judge.share(sum(w.label == "neutral" for w in windows), len(windows)) for windows in spoken]
    sure = [
        judge.share(sum(w.label != "neutral" and max(w.p or (0.0,)) >= SURE for w in windows), len(windows))
        for windows in spoken
    ]
    return {
        "recordings": len(found),
        "least calm": min(judge.shares(of)["calm"] for of in found),
        "likeliest neutral": round(float(np.mean(neutral)), 4),
        "least neutral": min(neutral),
        "sure": round(float(np.mean(sure)), 4),
        "most sure": max(sure),
    }


def alike(pairs: Sequence[tuple[Judged, Judged]]) -> Figures:
    """Return how alike two versions of several recordings are, each counting by its spoken windows."""
    weights = [max(1, len(one.spoken)) for one, _ in pairs]
    found = [judge.agreement(one, other) for one, other in pairs]
    return {name: round(float(np.average([f[name] for f in found], weights=weights)), 4) for name in found[0]}
