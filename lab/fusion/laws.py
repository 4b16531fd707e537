"""How far a rule is from the laws of fusion, measured on windows drawn at random.

The laws themselves are tests (``tests/unit/models/fusion/test_fusion_laws.py``); here every rule is measured.
"""

from dataclasses import dataclass

import numpy as np

from affectstream.models.fusion.evidence import FLAT, Array, Evidence, Rule
from affectstream.schemas.labels import N_EMOTIONS
from affectstream.schemas.messages import MODALITIES

WINDOWS = 4000
SHARPNESS = (0.3, 1.0, 3.0)  # concentrations of the Dirichlet distributions that are drawn


@dataclass(frozen=True)
class Broken:
    """By how much a rule breaks each law at most."""

    above_surest: float  # confidence over the highest of a single modality whose labels differ
    least_kept: float  # of two that contradict each other: the least share of its own that a label keeps
    moved_by_flat: float  # total variation by a modality that says nothing


def measured(rule: Rule, trusted: Array, seed: int = 0) -> Broken:
    """Return how far ``rule`` is from the laws at the trust (modalities,) of the stream."""
    rng = np.random.default_rng(seed)
    p = np.concatenate([rng.dirichlet(np.full(N_EMOTIONS, a), (WINDOWS, len(MODALITIES))) for a in SHARPNESS])
    p = np.maximum(p, 1e-6) / np.maximum(p, 1e-6).sum(axis=2, keepdims=True)
    p[:, 2] = FLAT
    pair, flat = _evidence(p, trusted, 2), _evidence(p, trusted, 3)
    fused = rule.fuse(pair).p
    label = p[:, :2].argmax(axis=2)
    differ = label[:, 0] != label[:, 1]
    above = fused.max(axis=1) - p[:, :2].max(axis=(1, 2))
    own = np.take_along_axis(p[:, :2], label[:, :, None], axis=2)[:, :, 0]
    sure = differ & (own.min(axis=1) > 0.4)
    kept = np.take_along_axis(fused, label, axis=1) / own
    moved = np.abs(rule.fuse(flat).p - fused).sum(axis=1) / 2
    return Broken(float(above[differ].max()), float(kept[sure].min()), float(moved.max()))


def _evidence(p: Array, trusted: Array, present: int) -> Evidence:
    shape = p.shape[:2]
    there = np.tile(np.arange(shape[1]) < present, (shape[0], 1))
    return Evidence(p, there, np.ones(shape), np.tile(trusted, (shape[0], 1)))
