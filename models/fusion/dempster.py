"""Dempster's rule with reliability discounting (Shafer 1976).

Every modality believes in single emotions only, m({k}) = r c p(k), and leaves the rest, 1 - r c, to "I do not
know"; c is its confidence 1 - H(p) / log 7 and r its reliability. For such masses the combination has a
closed form in which no order exists.
"""

from dataclasses import dataclass

import numpy as np

from affectstream.models.fusion.evidence import FLAT, TINY, Array, Evidence, Pooled, shares, uncertainty
from affectstream.models.fusion.pools import effective_modalities, tempered


@dataclass(frozen=True, eq=False)
class Dempster:
    """Beliefs combined; what all together do not know is shared out as their mean, weighted by belief."""

    name: str
    temperatures: Array  # (modalities,)
    reference_trust: Array  # (modalities,): the trust at which a modality is believed to its discount
    discounts: Array  # (modalities,), below 1

    def fuse(self, evidence: Evidence) -> Pooled:
        """Return the combination; two that contradict each other flatly leave their mean."""
        own = among(evidence, self.temperatures, self.reference_trust)
        belief = self.discounts * certainty(evidence, own, self.reference_trust)
        weights = shares(evidence, belief)
        p = combined(own, belief, weights)
        return Pooled(np.where(evidence.present.any(axis=1, keepdims=True), p, FLAT), weights)


def among(evidence: Evidence, temperatures: Array, reference_trust: Array) -> Array:
    """Return the distributions, tempered as far as more than one modality is trusted."""
    trusted = shares(evidence, np.minimum(evidence.trust / reference_trust, 1.0))
    return tempered(evidence.p, temperatures, effective_modalities(trusted)[:, None])


def certainty(evidence: Evidence, own: Array, reference_trust: Array) -> Array:
    """Return the belief (windows, modalities) in ``own`` before it is discounted; 0 for the absent."""
    sure = 1.0 - uncertainty(own)
    believed: Array = np.where(
        evidence.present & (sure > TINY), sure * np.minimum(evidence.trust / reference_trust, 1.0), 0.0
    )
    return believed


def combined(own: Array, belief: Array, weights: Array) -> Array:
    """Return (windows, 7) from distributions (windows, modalities, 7), the belief in each, and its share."""
    unknown = (1.0 - belief)[:, :, None]  # (windows, modalities, 1)
    possible = belief[:, :, None] * own + unknown
    nobody, single = unknown[:, 0], possible[:, 0]
    for m in range(1, belief.shape[1]):
        nobody, single = nobody * unknown[:, m], single * possible[:, m]
    mean = (weights[:, :, None] * own).sum(axis=1)
    raw = np.maximum(single - nobody, 0.0) + nobody * mean
    p: Array = raw / np.maximum(raw.sum(axis=1, keepdims=True), TINY)
    return p
