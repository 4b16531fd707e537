"""Rules that turn what the modalities say about windows into one distribution; imports NumPy and labels only.

A rule sees arrays over windows and modalities, so that the same code runs in the stream, one window at a
time, and in an experiment, thousands at once. Rows of modalities that are not present hold any distribution
and must have no say.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from schemas.errors import SettingsError
from schemas.labels import N_EMOTIONS

Array = NDArray[np.float64]

TINY = 1e-9  # a confidence below this is rounding


@dataclass(frozen=True)
class Evidence:
    """What every modality says about every window."""

    p: Array  # (windows, modalities, 7)
    present: NDArray[np.bool_]  # (windows, modalities)
    quality: Array  # (windows, modalities), in [0, 1]
    trust: Array  # (modalities,), in [0, 1]


@dataclass(frozen=True)
class Pooled:
    """The fused distributions, and the share that each modality had in them."""

    p: Array  # (windows, 7); uniform where no modality is present
    weights: Array  # (windows, modalities); sums to one over the present


class Rule(Protocol):
    """One way to fuse."""

    @property
    def name(self) -> str:
        """The name in settings and in every fused message."""

    def fuse(self, evidence: Evidence) -> Pooled:
        """Return the fused distribution of every window."""


@dataclass(frozen=True)
class EntropyTrust:
    """The linear pool of the reference systems: weight = trust x (1 - H(p) / log 7) x quality."""

    name: str = "entropy_trust"

    def fuse(self, evidence: Evidence) -> Pooled:
        """Return the pool; where all weights are zero the present modalities weigh the same."""
        sure = 1.0 - entropy(evidence.p) / np.log(N_EMOTIONS)
        sure = np.where(sure < TINY, 0.0, sure)
        return linear_pool(evidence, evidence.trust * sure * evidence.quality)


@dataclass(frozen=True)
class Uniform:
    """The plain mean of the modalities that are present."""

    name: str = "uniform"

    def fuse(self, evidence: Evidence) -> Pooled:
        """Return the mean."""
        return linear_pool(evidence, np.ones(evidence.quality.shape))


RULES: dict[str, Rule] = {rule.name: rule for rule in (EntropyTrust(), Uniform())}


def rule_named(name: str) -> Rule:
    """Return the rule of a setting; raises SettingsError for an unknown name."""
    if name not in RULES:
        raise SettingsError(f"fusion.rule is {name!r}; the rules are {', '.join(RULES)}")
    return RULES[name]


def linear_pool(evidence: Evidence, raw: Array) -> Pooled:
    """Return the mean of the present modalities under ``raw`` weights (windows, modalities)."""
    raw = np.where(evidence.present, raw, 0.0)
    total = raw.sum(axis=1, keepdims=True)
    weighed = total > TINY * TINY
    raw = np.where(weighed, raw, evidence.present.astype(np.float64))
    total = np.where(weighed, total, evidence.present.sum(axis=1, keepdims=True))
    weights = raw / np.maximum(total, TINY * TINY)
    p = (weights[:, :, None] * evidence.p).sum(axis=1)
    return Pooled(np.where(evidence.present.any(axis=1, keepdims=True), p, 1.0 / N_EMOTIONS), weights)


def entropy(p: Array) -> Array:
    """Return the entropy in nats along the last axis, where 0 log 0 = 0."""
    h: Array = np.maximum(-(p * np.log(np.maximum(p, 1e-300))).sum(axis=-1), 0.0)
    return h


def uncertainty(p: Array) -> Array:
    """Return the entropy along the last axis as a share of that of the uniform distribution."""
    share: Array = np.minimum(entropy(p) / np.log(N_EMOTIONS), 1.0)
    return share


def disagreement(p: Array, present: NDArray[np.bool_]) -> Array:
    """Return the Jensen-Shannon divergence of the present modalities per window, as a share of its maximum.

    With n equally weighted distributions the maximum is log n; for fewer than two it is zero.
    """
    count = present.sum(axis=1)
    share = present / np.maximum(count, 1)[:, None]
    mixture = (share[:, :, None] * p).sum(axis=1)
    divergence = entropy(mixture) - (share * entropy(p)).sum(axis=1)
    normal = np.log(np.maximum(count, 2))
    share_of_most: Array = np.where(count > 1, np.clip(divergence / normal, 0.0, 1.0), 0.0)
    return share_of_most
