"""Closed windows to fused messages, all that close in one step as arrays.

A window's numbers do not depend on the windows beside it: all operations are per element, and sums run over
axes shorter than eight, where NumPy adds one after the other. Networks use matrix products, whose bits do
depend on the batch: they fuse windows one by one.

- ``p`` is the rule's; ``label`` is its largest entry, the first in label order among equals.
- ``confidence`` is the largest probability times coverage: the trust in the modalities that are present as a
  share of the trust that all that the party is expected to send would have in a call with pictures. So one
  that is missing lowers it, and so does a voice by telephone.
- ``uncertainty`` is the entropy of ``p`` over log 7.
- ``disagreement`` is the Jensen-Shannon divergence of the present modalities over its maximum.
Where nothing is present: no ``p``, no label, confidence 0, uncertainty 1, disagreement 0.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import NamedTuple

import numpy as np

from affectstream.models.fusion import trust
from affectstream.models.fusion.evidence import Array, Evidence, Rule, disagreement, uncertainty
from affectstream.models.fusion.network_rule import NetworkRule
from affectstream.schemas.codec import EncodedPane
from affectstream.schemas.labels import N_EMOTIONS
from affectstream.schemas.messages import MODALITIES, Modality, Pane
from affectstream.workers.fusion.encode import (
    CONFIDENCE,
    DISAGREEMENT,
    FIRST,
    N_NUMBERS,
    OWN,
    UNCERTAINTY,
    encoded,
    shapes,
)
from affectstream.workers.fusion.reduce import N_MODALITIES, reduced_windows
from affectstream.workers.fusion.window import ClosedWindow

DECIMALS = 6
NEARLY_A_TIE = 1e-6  # the scaled value may lie on the other side of a half than the value itself


class Fused(NamedTuple):
    """Panes, and how often each expected modality was missing in them."""

    panes: list[EncodedPane]
    missing: Counter[Modality]


@dataclass(frozen=True, eq=False)
class Fuser:
    """The rule in force, and how far each modality is trusted."""

    rule: Rule
    trusted: Array  # (2, modalities): of parties without a picture, and with one
    window_ms: int
    operator: Mapping[Modality, float] = field(default_factory=dict)  # trust set by hand

    def override(self, operator: Mapping[Modality, float]) -> "Fuser":
        """Return this fuser under an operator's trust; where there is any, finals depend on when."""
        return replace(self, operator=dict(operator))

    def fuse(self, windows: Sequence[ClosedWindow], pane: Pane) -> Fused:
        """Return the fused messages of ``windows``, in their order."""
        missing: Counter[Modality] = Counter()
        if not windows:
            return Fused([], missing)
        reduced = reduced_windows(windows, self.window_ms, isinstance(self.rule, NetworkRule))
        counting = reduced.present & (reduced.quality > 0.0)  # no quality, no weight: under every rule
        evidence = Evidence(reduced.p, counting, reduced.quality, self._trust(windows))
        p, weights, rules = self._pool(evidence, reduced.embeddings)
        numbers, labels = _numbers(evidence, p, weights, self._coverage(windows, evidence))
        of_shape = shapes(windows, reduced, labels, rules)
        for shape, its in of_shape.items():
            missing.update(dict.fromkeys(shape.missing(), len(its)))
        return Fused(encoded(windows, of_shape, numbers, self.window_ms, pane), missing)

    def _trust(self, windows: Sequence[ClosedWindow]) -> Array:
        """Return the trust (windows, modalities): an operator's, or that of the situation."""
        pictures = np.array(["video" in window.expects for window in windows])
        known: Array = self.trusted[pictures.astype(np.int64)]
        for modality, value in self.operator.items():
            known[:, MODALITIES.index(modality)] = value
        return np.clip(known, *trust.BOUNDS)

    def _coverage(self, windows: Sequence[ClosedWindow], evidence: Evidence) -> Array:
        """Return (windows,) the trust in those present over the most that all expected could have."""
        expects = b"".join(_flags(window.expects) for window in windows)
        expected = np.frombuffer(expects, np.bool_).reshape(evidence.present.shape)
        most = np.where(expected, np.clip(self.trusted[1], *trust.BOUNDS), 0.0).sum(axis=1)
        share: Array = np.where(evidence.present, evidence.trust, 0.0).sum(axis=1) / most
        return np.minimum(share, 1.0)

    def _pool(self, evidence: Evidence, embeddings: Sequence[Array | None]) -> tuple[Array, Array, list[str]]:
        """Return distributions (windows, 7), shares (windows, modalities) and the rule's name for each."""
        suffix = "+override" if self.operator else ""
        if not isinstance(self.rule, NetworkRule):
            pooled = self.rule.fuse(evidence)
            return pooled.p, pooled.weights, [self.rule.name + suffix] * len(pooled.p)
        windows = [_window(evidence, embeddings, w) for w in range(len(evidence.p))]
        each = [self.rule.fuse(window) for window in windows]
        names = [self.rule.name_of(window) + suffix for window in windows]
        return np.concatenate([one.p for one in each]), np.concatenate([one.weights for one in each]), names


def _window(evidence: Evidence, embeddings: Sequence[Array | None], w: int) -> Evidence:
    """Return the evidence of one window alone, with its embeddings."""
    one = slice(w, w + 1)
    own = tuple(embeddings[N_MODALITIES * w : N_MODALITIES * (w + 1)])
    return Evidence(evidence.p[one], evidence.present[one], evidence.quality[one], evidence.trust[one], own)


def _numbers(evidence: Evidence, p: Array, weights: Array, coverage: Array) -> tuple[Array, list[int]]:
    """Return the numbers of messages (windows, N_NUMBERS), rounded, and their labels; -1 is none."""
    windows = np.arange(len(p))
    several = evidence.present.sum(axis=1) > 1
    some = evidence.present.any(axis=1)
    numbers = np.zeros((len(p), N_NUMBERS))
    numbers[:, :N_EMOTIONS] = p
    numbers[:, UNCERTAINTY] = np.where(some, uncertainty(p), 1.0)
    numbers[:, DISAGREEMENT] = np.where(several, disagreement(evidence.p, evidence.present), 0.0)
    own = numbers[:, FIRST:].reshape(len(p), N_MODALITIES, OWN)
    own[:, :, :N_EMOTIONS] = evidence.p
    own[:, :, N_EMOTIONS:] = np.stack([weights, evidence.quality, evidence.trust], axis=2)
    numbers[:, FIRST:] = own.reshape(len(p), -1)
    numbers = _rounded(numbers)
    top = numbers[:, :N_EMOTIONS].argmax(axis=1)
    numbers[:, CONFIDENCE] = np.where(some, _rounded(numbers[windows, top] * coverage), 0.0)
    return numbers, np.where(some, top, -1).tolist()


@cache
def _flags(expects: tuple[Modality, ...]) -> bytes:
    """Return a byte per modality: 1 where it is expected."""
    return bytes(modality in expects for modality in MODALITIES)


def _rounded(values: Array) -> Array:
    """Return ``values`` with DECIMALS digits, rounded as Python's ``round``, and no negative zero."""
    scaled = values * 10.0**DECIMALS
    whole = np.rint(scaled)
    rounded: Array = whole / 10.0**DECIMALS + 0.0
    ties = np.abs(np.abs(scaled - whole) - 0.5) < NEARLY_A_TIE
    if ties.any():
        rounded[ties] = [round(value, DECIMALS) + 0.0 for value in values[ties].tolist()]
    return rounded
