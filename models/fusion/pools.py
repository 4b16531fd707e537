"""Logarithmic pools: equal, Bayes' product, and learned ones with gates.

All are log p(k) = const + sum_m v_m log p_m(k) + (1 - sum_m v_m) log prior(k) + bias: a modality that is not
there takes its share of the correction for the prior with it. One modality alone is its own distribution.
"""

from dataclasses import dataclass

import numpy as np

from affectstream.models.fusion.evidence import FLAT, Array, Evidence, Pooled, uncertainty
from affectstream.models.fusion.rules import shares
from affectstream.models.fusion.temper import company, logs, softmax, softplus, tempered


@dataclass(frozen=True)
class EqualLogPool:
    """The geometric mean of the present modalities, weighted by trust."""

    name: str = "log_pool"

    def fuse(self, evidence: Evidence) -> Pooled:
        """Return the mean; where all trust is zero the present modalities weigh the same."""
        weights = shares(evidence, evidence.trust)
        return settled(evidence, (weights[:, :, None] * logs(evidence.p)).sum(axis=1), weights)


@dataclass(frozen=True, eq=False)
class Product:
    """Bayes' rule for experts that err independently: prior^(1 - n) x product of p_m."""

    name: str
    usual: Array  # (modalities,): the trust at which a modality counts in full
    log_prior: Array  # (7,)

    def fuse(self, evidence: Evidence) -> Pooled:
        """Return the product; a modality of less than its usual trust counts as a part of a factor."""
        say = relative_trust(evidence, self.usual)
        scores = pooled_logs(say, logs(evidence.p), self.log_prior)
        return settled(evidence, scores, shares(evidence, say))


@dataclass(frozen=True, eq=False)
class GatedLogPool:
    """A log pool of calibrated experts, weights softplus(a + b x confidence + c x quality) x relative trust.

    Without b and c it is the learned log pool. The sources are in docs/fusion-core.md.
    """

    name: str
    temperatures: Array  # (modalities,)
    usual: Array  # (modalities,)
    gates: Array  # (3, modalities): a, b, c
    log_prior: Array  # (7,)
    bias: Array  # (7,)

    def fuse(self, evidence: Evidence) -> Pooled:
        """Return the pool."""
        say = relative_trust(evidence, self.usual)
        together = company(shares(evidence, say))[:, None]
        own = tempered(evidence.p, self.temperatures, together)
        a, b, c = self.gates
        gate = softplus(a + b * (1.0 - uncertainty(own)) + c * evidence.quality)
        weights = say * (together * gate + (1.0 - together))
        scores = pooled_logs(weights, logs(own), self.log_prior) + together * self.bias
        return settled(evidence, scores, shares(evidence, weights))


def pooled_logs(weights: Array, log_p: Array, log_prior: Array) -> Array:
    """Return scores (windows, 7) of log p (windows, modalities, 7) under weights (windows, modalities)."""
    rest = 1.0 - weights.sum(axis=1, keepdims=True)
    scores: Array = (weights[:, :, None] * log_p).sum(axis=1) + rest * log_prior
    return scores


def relative_trust(evidence: Evidence, usual: Array) -> Array:
    """Return trust as a share of its usual value, at most 1, over the best one present; 0 for the absent.

    Where nobody present is trusted at all, they are all trusted alike.
    """
    say = np.where(evidence.present, np.minimum(evidence.trust / usual, 1.0), 0.0)
    best = say.max(axis=1, keepdims=True)
    alike = evidence.present.astype(np.float64)
    trust: Array = np.where(best > 0.0, say / np.where(best > 0.0, best, 1.0), alike)
    return trust


def settled(evidence: Evidence, scores: Array, weights: Array) -> Pooled:
    """Return the pool of ``scores``; where one modality is alone, what it says."""
    count = evidence.present.sum(axis=1)[:, None]
    alone = np.where(evidence.present[:, :, None], evidence.p, 0.0).sum(axis=1)
    p = np.where(count == 1, alone, softmax(scores))
    return Pooled(np.where(count == 0, FLAT, p), weights)
