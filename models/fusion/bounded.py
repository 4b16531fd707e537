"""The bounded pool: a log pool that is never surer than its surest part, and keeps both sides of a conflict.

Where s_m is the share of modality m, D the conflict between the modalities, both below:

    log-linear   l(k) ~ product of p_m(k)^s_m, the shares summing to one: the prior of training counts once,
                 however many modalities there are (Genest and Zidek 1986)
    linear       a(k) = sum of s_m p_m(k)
    pooled       (1 - CONFLICT D) l + CONFLICT D a, moved towards ``a`` as far as its largest entry is above
                 that of the surest part

``docs/rules.md`` states the laws that follow; ``tests/unit/models/fusion/test_fusion_laws.py`` holds them.
"""

from dataclasses import dataclass

import numpy as np

from affectstream.models.fusion.evidence import (
    FLAT,
    TINY,
    Array,
    Evidence,
    Pooled,
    logs,
    shares,
    softmax,
    uncertainty,
)

CONFLICT = 0.25  # the weight of the linear pool where modalities have nothing in common
HALF = 0.1  # the confidence 1 - H(p) / log 7 at which a modality has half of its weight
FULL = 0.1  # the share from which on a modality may be the surest part


@dataclass(frozen=True, eq=False)
class BoundedPool:
    """A log pool with weights that sum to one, mixed with the linear pool on conflict, under a ceiling."""

    name: str
    weights: Array  # (modalities,): the share of each where all are as sure, of full quality and trusted
    reference_trust: Array  # (modalities,): the trust at which a modality has its weight

    def fuse(self, evidence: Evidence) -> Pooled:
        """Return the pool; one modality alone is itself, less than its usual trust is a smaller share."""
        own, trusted = evidence.p, np.minimum(evidence.trust / self.reference_trust, 1.0)
        sure = 1.0 - uncertainty(own)
        sure = np.where(sure < TINY, 0.0, sure)
        share = shares(evidence, self.weights * trusted * evidence.quality * sure / (sure + HALF))
        linear = (share[:, :, None] * own).sum(axis=1)
        apart = conflict(own, share)
        blend = CONFLICT * apart[:, None]
        pooled = (1.0 - blend) * softmax((share[:, :, None] * logs(own)).sum(axis=1)) + blend * linear
        bounded = lowered(pooled, linear, ceiling(own, share, linear)[:, None])
        alone = (share > 1.0 - TINY)[:, :, None]
        p = np.where(alone.any(axis=1), np.where(alone, own, 0.0).sum(axis=1), bounded)
        return Pooled(np.where(evidence.present.any(axis=1, keepdims=True), p, FLAT), share)


def conflict(own: Array, share: Array) -> Array:
    """Return (windows,) in [0, 1]: one less the Bhattacharyya coefficient, the mean over pairs by shares."""
    weight = np.zeros(len(own))
    apart = np.zeros(len(own))
    for m in range(1, own.shape[1]):
        for n in range(m):
            pair = share[:, m] * share[:, n]
            alike = np.minimum(np.sqrt(own[:, m] * own[:, n]).sum(axis=1), 1.0)
            weight, apart = weight + pair, apart + pair * (1.0 - alike)
    degree: Array = np.where(weight > 0.0, apart / np.where(weight > 0.0, weight, 1.0), 0.0)
    return degree


def ceiling(own: Array, share: Array, linear: Array) -> Array:
    """Return (windows,) the largest probability that the surest part gives, as far as it has a share."""
    top = FLAT + (own.max(axis=2) - FLAT) * np.minimum(share / FULL, 1.0)
    highest: Array = np.maximum(top.max(axis=1), linear.max(axis=1))
    return highest


def lowered(p: Array, linear: Array, most: Array) -> Array:
    """Return ``p`` (windows, 7) mixed with ``linear``, which is at most ``most``, until it is that too."""
    above = p > most
    needed = np.where(above, (p - most) / np.where(above, p - linear, 1.0), 0.0).max(axis=1, keepdims=True)
    under: Array = (1.0 - needed) * p + needed * linear
    return under
