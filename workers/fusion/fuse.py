"""Closed windows to fused messages, all that close in one step as arrays.

A window's numbers do not depend on the windows beside it: all operations are per element, and sums run over
axes shorter than eight, where NumPy adds one after the other. Networks use matrix products, whose bits do
depend on the batch: they fuse windows one by one.

- ``p`` is the rule's; ``label`` is its largest entry, the first in label order among equals.
- ``confidence`` is the largest probability times coverage: the trust in the modalities that are present as a
  share of the trust in all that the party is expected to send.
- ``uncertainty`` is the entropy of ``p`` over log 7.
- ``disagreement`` is the Jensen-Shannon divergence of the present modalities over its maximum.
Where nothing is present: no ``p``, no label, confidence 0, uncertainty 1, disagreement 0.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

import numpy as np
from msgspec import Struct, msgpack

from affectstream.models.fusion import trust
from affectstream.models.fusion.evidence import Array, Evidence, Flags, Rule, disagreement, uncertainty
from affectstream.models.fusion.network_rule import NetworkRule
from affectstream.schemas.codec import VERSIONS
from affectstream.schemas.labels import EMOTIONS
from affectstream.schemas.messages import MODALITIES, Modality, Party, Stream
from affectstream.schemas.observations import Reason
from affectstream.schemas.pane import EncodedPane, Pane
from affectstream.workers.fusion.reduce import N_MODALITIES, Reduced, reduced_windows
from affectstream.workers.fusion.window import ClosedWindow

DECIMALS = 6
NEARLY_A_TIE = 1e-6  # the scaled value may lie on the other side of a half than the value itself

State = Literal["present", "abstained", "missing"]


class ModalityState(Struct, gc=False):
    """`schemas.messages.ModalityState`, in the order of its fields on the wire."""

    mod: Modality
    state: State
    reason: Reason | None
    p: list[float] | None
    weight: float
    quality: float
    count: int
    model: str | None
    trust: float | None
    stream: Stream


class FusedEmotion(Struct, gc=False):
    """`schemas.messages.FusedEmotion`, in the order of its fields on the wire."""

    v: int
    type: Literal["fused"]
    sid: str
    party: Party
    start: int
    end: int
    pane: Pane
    p: list[float] | None
    label: str | None
    confidence: float
    uncertainty: float
    disagreement: float
    mods: list[ModalityState]
    rule: str


class Fused(NamedTuple):
    """Panes, and how often each expected modality was missing in them."""

    panes: list[EncodedPane]
    missing: Counter[Modality]


class Columns(NamedTuple):
    """The numbers of fused messages, rounded, as lists over windows."""

    p: list[list[float]]
    label: list[int]  # -1 where no modality is present
    confidence: list[float]
    uncertainty: list[float]
    disagreement: list[float]
    own: list[list[list[float]]]  # distributions by modality
    weight: list[list[float]]
    quality: list[list[float]]
    trust: list[list[float]]


@dataclass(frozen=True, eq=False)
class Fuser:
    """The rule in force, and how far each modality is trusted."""

    rule: Rule
    reliabilities: Array  # (modalities, 7)
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
        evidence = Evidence(reduced.p, reduced.present, reduced.quality, self._trust(reduced.p))
        p, weights, rules = self._pool(evidence, reduced.embeddings)
        expected = np.array([[m in window.expects for m in MODALITIES] for window in windows])
        columns = _columns(evidence, p, weights, expected)
        panes = []
        for w, window in enumerate(windows):
            places = [m for m, name in enumerate(MODALITIES) if name in window.expects]
            states = [_state(w, m, window, reduced, columns) for m in places]
            for state in states:
                if state.state == "missing":
                    missing[state.mod] += 1
            end_ms = window.start_ms + self.window_ms
            packed = _pack(_message(w, window, end_ms, pane, rules[w], states, columns))
            panes.append(EncodedPane(*window.key, window.start_ms, end_ms, pane, packed))
        return Fused(panes, missing)

    def _trust(self, p: Array) -> Array:
        """Return the trust (windows, modalities): an operator's, or the expected reliability of ``p``."""
        known = trust.reliability(p, self.reliabilities)
        for modality, value in self.operator.items():
            known[:, MODALITIES.index(modality)] = value
        return np.clip(known, *trust.BOUNDS)

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


def _columns(evidence: Evidence, p: Array, weights: Array, expected: Flags) -> Columns:
    some = evidence.present.any(axis=1)
    several = evidence.present.sum(axis=1) > 1
    rounded = _rounded(p)
    top = rounded.argmax(axis=1)
    largest = rounded[np.arange(len(p)), top]
    trusted = np.where(expected, evidence.trust, 0.0)
    coverage = np.where(evidence.present, trusted, 0.0).sum(axis=1) / trusted.sum(axis=1)
    divergence = disagreement(evidence.p, evidence.present)
    return Columns(
        p=rounded.tolist(),
        label=np.where(some, top, -1).tolist(),
        confidence=np.where(some, _rounded(largest * coverage), 0.0).tolist(),
        uncertainty=np.where(some, _rounded(uncertainty(p)), 1.0).tolist(),
        disagreement=np.where(several, _rounded(divergence), 0.0).tolist(),
        own=_rounded(evidence.p).tolist(),
        weight=_rounded(weights).tolist(),
        quality=_rounded(evidence.quality).tolist(),
        trust=_rounded(evidence.trust).tolist(),
    )


def _rounded(values: Array) -> Array:
    """Return ``values`` with DECIMALS digits, rounded as Python's ``round``, and no negative zero."""
    scaled = values * 10.0**DECIMALS
    whole = np.rint(scaled)
    rounded: Array = whole / 10.0**DECIMALS + 0.0
    ties = np.abs(np.abs(scaled - whole) - 0.5) < NEARLY_A_TIE
    if ties.any():
        rounded[ties] = [round(value, DECIMALS) + 0.0 for value in values[ties].tolist()]
    return rounded


def _message(
    w: int,
    closed: ClosedWindow,
    end_ms: int,
    pane: Pane,
    rule: str,
    states: list[ModalityState],
    columns: Columns,
) -> FusedEmotion:
    label = columns.label[w]
    return FusedEmotion(
        VERSIONS["fused"],
        "fused",
        *closed.key,
        closed.start_ms,
        end_ms,
        pane,
        columns.p[w] if label >= 0 else None,
        EMOTIONS[label] if label >= 0 else None,
        columns.confidence[w],
        columns.uncertainty[w],
        columns.disagreement[w],
        states,
        rule,
    )


def _state(w: int, m: int, closed: ClosedWindow, reduced: Reduced, columns: Columns) -> ModalityState:
    slot, modality = N_MODALITIES * w + m, MODALITIES[m]
    count, reason, stream = reduced.counts[slot], reduced.reasons[slot], closed.streams[modality]
    if not count:
        state: State = "missing" if reason is None else "abstained"
        return ModalityState(modality, state, reason, None, 0.0, 0.0, 0, None, None, stream)
    return ModalityState(
        modality,
        "present",
        None,
        columns.own[w][m],
        columns.weight[w][m],
        columns.quality[w][m],
        count,
        reduced.models[slot],
        columns.trust[w][m],
        stream,
    )


_pack = msgpack.Encoder().encode
