"""Linear pools: the plain mean, the reference systems' rule, temperatures about them."""

from dataclasses import dataclass

import numpy as np

from affectstream.models.fusion.evidence import FLAT, Array, Evidence, Pooled, Rule, uncertainty
from affectstream.models.fusion.temper import company, sharpened, tempered

TINY = 1e-9  # a confidence below this is rounding


@dataclass(frozen=True)
class EntropyTrust:
    """The linear pool of the reference systems: weight = trust x (1 - H(p) / log 7) x quality."""

    name: str = "entropy_trust"

    def fuse(self, evidence: Evidence) -> Pooled:
        """Return the pool; where all weights are zero the present modalities weigh the same."""
        sure = 1.0 - uncertainty(evidence.p)
        sure = np.where(sure < TINY, 0.0, sure)
        return linear_pool(evidence, evidence.trust * sure * evidence.quality)


@dataclass(frozen=True)
class Uniform:
    """The plain mean of the modalities that are present."""

    name: str = "uniform"

    def fuse(self, evidence: Evidence) -> Pooled:
        """Return the mean."""
        return linear_pool(evidence, np.ones(evidence.quality.shape))


@dataclass(frozen=True, eq=False)
class Before:
    """A rule on distributions that were tempered one by one, as far as more than one modality has a say."""

    name: str
    rule: Rule
    temperatures: Array  # (modalities,)

    def fuse(self, evidence: Evidence) -> Pooled:
        """Return what the rule makes of the calibrated distributions."""
        together = company(shares(evidence, evidence.trust))[:, None]
        own = tempered(evidence.p, self.temperatures, together)
        return self.rule.fuse(
            Evidence(own, evidence.present, evidence.quality, evidence.trust, evidence.embeddings)
        )


@dataclass(frozen=True)
class After:
    """A rule and a temperature after it, in force as far as more than one modality had a say."""

    name: str
    rule: Rule
    temperature: float

    def fuse(self, evidence: Evidence) -> Pooled:
        """Return the pool, calibrated as a whole; one modality alone is left as it was."""
        pooled = self.rule.fuse(evidence)
        exponent = self.temperature ** -company(pooled.weights)
        return Pooled(sharpened(pooled.p, exponent[:, None]), pooled.weights)


def linear_pool(evidence: Evidence, raw: Array) -> Pooled:
    """Return the mean of the present modalities under ``raw`` weights (windows, modalities)."""
    weights = shares(evidence, raw)
    p = (weights[:, :, None] * evidence.p).sum(axis=1)
    return Pooled(np.where(evidence.present.any(axis=1, keepdims=True), p, FLAT), weights)


def shares(evidence: Evidence, raw: Array) -> Array:
    """Return ``raw`` (windows, modalities) as shares of the present; equal ones where all are zero."""
    raw = np.where(evidence.present, raw, 0.0)
    total = raw.sum(axis=1, keepdims=True)
    weighed = total > TINY * TINY
    raw = np.where(weighed, raw, evidence.present.astype(np.float64))
    total = np.where(weighed, total, evidence.present.sum(axis=1, keepdims=True))
    weights: Array = raw / np.maximum(total, TINY * TINY)
    return weights
