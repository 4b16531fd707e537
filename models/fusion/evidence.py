"""Evidence of the modalities about windows, and what a rule makes of it.

Everything is arrays over windows and modalities, so that the same code runs in the stream, one window at a
time, and in an experiment, thousands at once. Rows of modalities that are not present hold any distribution
and must have no influence.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from affectstream.schemas.labels import N_EMOTIONS

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

FLAT = 1.0 / N_EMOTIONS
FLOOR = 1e-4  # before every logarithm: nobody's zero is a veto
TINY = 1e-9  # a confidence below this is rounding


@dataclass(frozen=True)
class Evidence:
    """The evidence of every modality about every window; modalities in the order of schemas.messages."""

    p: Array  # (windows, modalities, 7)
    present: Flags  # (windows, modalities)
    quality: Array  # (windows, modalities), in [0, 1]
    trust: Array  # (windows, modalities), in [0, 1]: reliability, or an operator's trust
    embeddings: tuple[Array | None, ...] = ()  # per modality (windows, its size), zeros where not present


@dataclass(frozen=True)
class Pooled:
    """The fused distributions, and the share that each modality had in them."""

    p: Array  # (windows, 7); uniform where no modality is present
    weights: Array  # (windows, modalities); not negative, sums to one over the present


class Rule(Protocol):
    """One way to fuse; a function of the evidence, window by window."""

    @property
    def name(self) -> str:
        """The name in settings and in every fused message."""

    def fuse(self, evidence: Evidence) -> Pooled:
        """Return the fused distribution of every window."""


def entropy(p: Array) -> Array:
    """Return the entropy in nats along the last axis, where 0 log 0 = 0."""
    h: Array = np.maximum(-(p * np.log(np.maximum(p, 1e-300))).sum(axis=-1), 0.0)
    return h


def uncertainty(p: Array) -> Array:
    """Return the entropy along the last axis as a share of that of the uniform distribution."""
    share: Array = np.minimum(entropy(p) / np.log(N_EMOTIONS), 1.0)
    return share


def disagreement(p: Array, present: Flags) -> Array:
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


def shares(evidence: Evidence, raw: Array) -> Array:
    """Return ``raw`` (windows, modalities) as shares of the present; equal ones where all are zero."""
    raw = np.where(evidence.present, raw, 0.0)
    total = raw.sum(axis=1, keepdims=True)
    weighed = total > TINY * TINY
    raw = np.where(weighed, raw, evidence.present.astype(np.float64))
    total = np.where(weighed, total, evidence.present.sum(axis=1, keepdims=True))
    weights: Array = raw / np.maximum(total, TINY * TINY)
    return weights


def logs(p: Array) -> Array:
    """Return the logarithm, of the floor at least."""
    floored: Array = np.log(np.maximum(p, FLOOR))
    return floored


def softmax(scores: Array) -> Array:
    """Return the distributions that have these logarithms, up to a constant, along the last axis."""
    powered = np.exp(scores - scores.max(axis=-1, keepdims=True))
    normal: Array = powered / powered.sum(axis=-1, keepdims=True)
    return normal
