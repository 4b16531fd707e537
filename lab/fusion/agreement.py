"""Trust that follows how far a modality has agreed with the others: measured, and not part of the stream.

What it gains, and why it is not used, is in docs/experiments/online-trust.md. Times are event time.
"""

from collections.abc import Sequence

import numpy as np

from affectstream.models.fusion.evidence import Array

AGREEMENT_HALF_LIFE_MS = 45_000
NEUTRAL = 0.7  # the agreement that changes nothing: what a modality begins with and returns to
WORST, BEST = 0.5, 1.2  # the factors of a modality that has never agreed, and of one that always has


def agreements(p: Array, spoke: Sequence[bool]) -> list[float | None]:
    """Return how far each modality agrees with the mean of the others; None where none of these spoke.

    The measure is the Bhattacharyya coefficient of ``p`` (modalities, 7): 1 for equal distributions, 0 for
    disjoint ones.
    """
    number = sum(spoke)
    if number < 2:
        return [None] * len(spoke)
    total = p[np.array(spoke)].sum(axis=0)
    return [
        min(1.0, float(np.sqrt(own * (total - own).clip(0.0) / (number - 1)).sum())) if said else None
        for own, said in zip(p, spoke, strict=True)
    ]


def remembered(agreement: float, elapsed_ms: int, seen: float | None = None) -> float:
    """Return the running agreement ``elapsed_ms`` later: nearer to what was ``seen``, or to neutral."""
    kept: float = 2.0 ** (-elapsed_ms / AGREEMENT_HALF_LIFE_MS)
    target = NEUTRAL if seen is None else seen
    return target + (agreement - target) * kept


def factor(agreement: float) -> float:
    """Return what the running agreement multiplies trust by: linear from WORST over 1 at NEUTRAL to BEST."""
    if agreement < NEUTRAL:
        return WORST + (1.0 - WORST) * agreement / NEUTRAL
    return 1.0 + (BEST - 1.0) * (agreement - NEUTRAL) / (1.0 - NEUTRAL)
