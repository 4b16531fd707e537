"""Linear and logarithmic pools, and the temperatures before and after them.

The logarithmic ones are log p(k) = const + sum_m v_m log p_m(k) + (1 - sum_m v_m) log prior(k) + bias: a
modality that is absent takes its share of the correction for the prior with it. One modality alone is its
own distribution. The sources are in docs/rules.md.
"""

from dataclasses import dataclass

import numpy as np

from affectstream.models.fusion.evidence import (
    FLAT,
    TINY,
    Array,
    Evidence,
    Pooled,
    Rule,
    logs,
    shares,
    softmax,
    uncertainty,
)


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
    """A rule on distributions tempered one by one, as far as more than one modality has influence."""

    name: str
    rule: Rule
    temperatures: Array  # (modalities,)

    def fuse(self, evidence: Evidence) -> Pooled:
        """Return what the rule makes of the calibrated distributions."""
        blend = effective_modalities(shares(evidence, evidence.trust))[:, None]
        own = tempered(evidence.p, self.temperatures, blend)
        return self.rule.fuse(
            Evidence(own, evidence.present, evidence.quality, evidence.trust, evidence.embeddings)
        )


@dataclass(frozen=True)
class After:
    """A rule and a temperature after it, in force as far as more than one modality had influence."""

    name: str
    rule: Rule
    temperature: float

    def fuse(self, evidence: Evidence) -> Pooled:
        """Return the pool, calibrated as a whole; one modality alone is left as it was."""
        pooled = self.rule.fuse(evidence)
        exponent = np.exp(-effective_modalities(pooled.weights) * np.log(self.temperature))
        return Pooled(sharpened(pooled.p, exponent[:, None]), pooled.weights)


def linear_pool(evidence: Evidence, raw: Array) -> Pooled:
    """Return the mean of the present modalities under ``raw`` weights (windows, modalities)."""
    weights = shares(evidence, raw)
    p = (weights[:, :, None] * evidence.p).sum(axis=1)
    return Pooled(np.where(evidence.present.any(axis=1, keepdims=True), p, FLAT), weights)


@dataclass(frozen=True)
class EqualLogPool:
    """The geometric mean of the present modalities, weighted by trust."""

    name: str = "log_pool"

    def fuse(self, evidence: Evidence) -> Pooled:
        """Return the mean; where all trust is zero the present modalities weigh the same."""
        weights = shares(evidence, evidence.trust)
        return finalise(evidence, (weights[:, :, None] * logs(evidence.p)).sum(axis=1), weights)


@dataclass(frozen=True, eq=False)
class Product:
    """Bayes' rule for experts that err independently: prior^(1 - n) x product of p_m."""

    name: str
    reference_trust: Array  # (modalities,): the trust at which a modality counts in full
    log_prior: Array  # (7,)

    def fuse(self, evidence: Evidence) -> Pooled:
        """Return the product; a modality of less than its usual trust counts as a part of a factor."""
        influence = relative_trust(evidence, self.reference_trust)
        scores = pooled_logs(influence, logs(evidence.p), self.log_prior)
        return finalise(evidence, scores, shares(evidence, influence))


@dataclass(frozen=True, eq=False)
class GatedLogPool:
    """A log pool of calibrated experts, weights softplus(a + b x confidence + c x quality) x relative trust.

    Without b and c it is the learned log pool.
    """

    name: str
    temperatures: Array  # (modalities,)
    reference_trust: Array  # (modalities,)
    gates: Array  # (3, modalities): a, b, c
    log_prior: Array  # (7,)
    bias: Array  # (7,)

    def fuse(self, evidence: Evidence) -> Pooled:
        """Return the pool."""
        influence = relative_trust(evidence, self.reference_trust)
        blend = effective_modalities(shares(evidence, influence))[:, None]
        own = tempered(evidence.p, self.temperatures, blend)
        a, b, c = self.gates
        gate = softplus(a + b * (1.0 - uncertainty(own)) + c * evidence.quality)
        weights = influence * (blend * gate + (1.0 - blend))
        scores = pooled_logs(weights, logs(own), self.log_prior) + blend * self.bias
        return finalise(evidence, scores, shares(evidence, weights))


def pooled_logs(weights: Array, log_p: Array, log_prior: Array) -> Array:
    """Return scores (windows, 7) of log p (windows, modalities, 7) under weights (windows, modalities)."""
    rest = 1.0 - weights.sum(axis=1, keepdims=True)
    scores: Array = (weights[:, :, None] * log_p).sum(axis=1) + rest * log_prior
    return scores


def relative_trust(evidence: Evidence, reference_trust: Array) -> Array:
    """Return trust as a share of its usual value, at most 1, over the best one present; 0 for the absent.

    Where nobody present is trusted at all, they are all trusted alike.
    """
    influence = np.where(evidence.present, np.minimum(evidence.trust / reference_trust, 1.0), 0.0)
    best = influence.max(axis=1, keepdims=True)
    alike = evidence.present.astype(np.float64)
    trust: Array = np.where(best > 0.0, influence / np.where(best > 0.0, best, 1.0), alike)
    return trust


def finalise(evidence: Evidence, scores: Array, weights: Array) -> Pooled:
    """Return the pool of ``scores``; the distribution of the only modality where there is one."""
    count = evidence.present.sum(axis=1)[:, None]
    single = np.where(evidence.present[:, :, None], evidence.p, 0.0).sum(axis=1)
    p = np.where(count == 1, single, softmax(scores))
    return Pooled(np.where(count == 0, FLAT, p), weights)


def sharpened(p: Array, exponent: Array) -> Array:
    """Return p to the power of ``exponent``, which spreads over the last axis, made to sum to one.

    Powers are taken as exp(y log x): NumPy's own takes shortcuts for an exponent of -1, 1 or 2 that serves
    several numbers, so that a window's last bits would depend on the windows beside it.
    """
    rest = p / p.max(axis=-1, keepdims=True)
    powered = np.where(
        rest > 0.0, np.exp(exponent * np.log(np.maximum(rest, np.finfo(np.float64).tiny))), 0.0
    )
    normal: Array = powered / powered.sum(axis=-1, keepdims=True)
    return normal


def tempered(p: Array, temperatures: Array, blend: Array) -> Array:
    """Return p^(1/T) of (windows, modalities, 7), each modality with its own T (modalities,).

    T holds to the degree ``blend`` (windows, 1): a model alone is as calibrated as it came.
    """
    exponents = np.exp(-blend * np.log(temperatures)[None, :])  # (windows, modalities)
    return sharpened(p, exponents[:, :, None])


def softplus(x: Array) -> Array:
    """Return log(1 + e^x), never negative."""
    positive: Array = np.logaddexp(0.0, x)
    return positive


def effective_modalities(shares: Array) -> Array:
    """Return min(1, 2 (1 - max share)): 0 where one modality has all the weight, 1 where none has most.

    What is fitted for several modalities (temperatures, weights, biases) holds to this degree, so that a
    modality that fades hands over to the others without a jump, and one alone is itself.
    """
    degree: Array = np.minimum(2.0 * (1.0 - shares.max(axis=1)), 1.0)
    return np.maximum(degree, 0.0)
