"""How far each modality is trusted in a window, apart from an operator's say.

Three factors: how often the modality was right in validation when it says what it says now, how far it has
agreed with the others of late, and how old it is. Times are event time: a replay gives the same trust.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from affectstream.models.fusion.evidence import Array
from affectstream.schemas.labels import N_EMOTIONS
from affectstream.schemas.messages import MODALITIES, Modality

BOUNDS = (0.05, 1.0)  # no modality is silenced, none outshouts
CARDS: dict[Modality, float] = {"video": 0.74, "audio": 0.68, "text": 0.42}  # the UAR in the models' cards
AGREEMENT_HALF_LIFE_MS = 45_000
NEUTRAL = 0.7  # the agreement that changes nothing: what a modality begins with and returns to
WORST, BEST = 0.5, 1.2  # the factors of a modality that has never agreed, and of one that always has
HELD_HALF_LIFE_MS = 10_000

PerClass = float | Sequence[float]  # one number for all emotions, or one for each


def table(values: Mapping[Modality, PerClass]) -> Array:
    """Return reliabilities (modalities, 7); 1 where nothing is said."""
    return np.array([np.broadcast_to(values.get(m, 1.0), N_EMOTIONS) for m in MODALITIES], dtype=np.float64)


def reliability(p: Array, reliabilities: Array) -> Array:
    """Return the expected reliability (..., modalities): the sum over classes of p(k) r(k).

    ``p`` is (..., modalities, 7); a modality that says nothing is uniform, so its classes count alike.
    """
    expected: Array = (p * reliabilities).sum(axis=-1)
    return expected


def bounded(trust: float) -> float:
    """Return ``trust`` within its bounds."""
    return min(max(trust, BOUNDS[0]), BOUNDS[1])


def agreements(p: Array, spoke: Sequence[bool]) -> list[float | None]:
    """Return how far each modality agrees with the mean of the others that spoke; None where nobody can say.

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


def freshness(age_ms: int) -> float:
    """Return what is left of the trust in a distribution of so long ago."""
    left: float = 2.0 ** (-age_ms / HELD_HALF_LIFE_MS)
    return left
