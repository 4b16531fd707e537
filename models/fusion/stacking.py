"""Stacking: a multinomial regression on log probabilities per set of modalities."""

from dataclasses import dataclass

import numpy as np

from affectstream.models.fusion.evidence import Array, Evidence, Pooled, logs, shares
from affectstream.models.fusion.pools import effective_modalities, finalise, relative_trust, tempered


@dataclass(frozen=True, eq=False)
class Stacking:
    """Scores = bias + sum of W_m x (log p_m, centred); a set that was not fitted is pooled by equal logs."""

    name: str
    temperatures: Array  # (modalities,)
    reference_trust: Array  # (modalities,)
    weights: Array  # (2^modalities, modalities, 7 out, 7 in), by the bits of the modalities that count
    biases: Array  # (2^modalities, 7)

    def fuse(self, evidence: Evidence) -> Pooled:
        """Return the regression's distribution; a modality without trust counts as absent."""
        influence = relative_trust(evidence, self.reference_trust)
        blend = effective_modalities(shares(evidence, influence))[:, None]
        own = tempered(evidence.p, self.temperatures, blend)
        members = bits_of(influence > 0.0)
        x = centred(own) * influence[:, :, None]
        parts = (self.weights[members] * x[:, :, None, :]).sum(axis=3)  # (windows, modalities, 7)
        scores = blend * (parts.sum(axis=1) + self.biases[members]) + (1.0 - blend) * x.sum(axis=1)
        size = np.sqrt((parts * parts).sum(axis=2))
        return finalise(evidence, scores, shares(evidence, size))


def centred(p: Array) -> Array:
    """Return log p less its mean over the classes, so that a flat distribution has no influence."""
    log_p = logs(p)
    middle: Array = log_p - log_p.mean(axis=-1, keepdims=True)
    return middle


def bits_of(
    counting: np.ndarray[tuple[int, ...], np.dtype[np.bool_]],
) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """Return which modalities count (windows, modalities) as one number per window, a bit per modality."""
    bits: np.ndarray[tuple[int, ...], np.dtype[np.int64]] = (
        counting * (1 << np.arange(counting.shape[1]))
    ).sum(axis=1)
    return bits
