"""A fused message from the observations of a window; imports NumPy, messages and the arithmetic beside it.

- ``p`` is the rule's; ``label`` is its largest entry, the first in label order of equals.
- ``confidence`` is the largest probability times coverage: the trust in the modalities that are present as a
  share of the trust in all that the party was expected to send. One that abstained or is missing lowers it.
- ``uncertainty`` is the entropy of ``p`` over log 7.
- ``disagreement`` is the Jensen-Shannon divergence of the present modalities over its maximum; zero for one.
Where nothing is present: no ``p``, no label, confidence 0, uncertainty 1, disagreement 0.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from models.fusion.evidence import Array, Evidence, Rule, disagreement, uncertainty
from schemas.labels import EMOTIONS, N_EMOTIONS
from schemas.messages import MODALITIES, FusedEmotion, Modality, ModalityState, Party
from workers.fusion.party import Window
from workers.fusion.reduce import MISSING, Summary, summarise

DECIMALS = 6
SILENT = (1.0 / N_EMOTIONS,) * N_EMOTIONS  # stands for what says nothing, and has no weight
TRUST_BOUNDS = (0.05, 1.0)  # no modality is silenced, none outshouts

Trust = Mapping[Modality, float]


@dataclass(frozen=True)
class Fuser:
    """The rule in force and the trust in each modality."""

    rule: Rule
    trust: Trust
    overridden: bool = False  # by an operator, live: the finals then depend on when

    @property
    def name(self) -> str:
        """Return what fused messages say about how they were fused."""
        return f"{self.rule.name}+override" if self.overridden else self.rule.name

    def override(self, trust: Trust) -> "Fuser":
        """Return this fuser under an operator's trust, where there is any."""
        if not trust:
            return self
        return Fuser(self.rule, {**self.trust, **trust}, overridden=True)

    @cached_property
    def bounded(self) -> Array:
        """Return the trust within its bounds, in the order of the modalities; 1 where nothing is said."""
        return np.clip([self.trust.get(m, 1.0) for m in MODALITIES], *TRUST_BOUNDS)


@dataclass(frozen=True)
class Span:
    """Whose window this is, and when."""

    session_id: str
    party: Party
    start_ms: int
    end_ms: int


def compose(
    fuser: Fuser, span: Span, pane: Literal["early", "final"], window: Window, expects: Collection[Modality]
) -> FusedEmotion:
    """Return the fused message of ``window``; a function of the set of its observations."""
    summaries = [_summary(window, m) for m in MODALITIES]
    evidence = _evidence(summaries, fuser)
    pooled = fuser.rule.fuse(evidence)
    weights = _rounded(pooled.weights[0].tolist())
    shares = zip(MODALITIES, summaries, weights, strict=True)
    states = tuple(_state(m, s, w) for m, s, w in shares if m in expects)
    p = _rounded(pooled.p[0].tolist()) if evidence.present.any() else None
    expected = np.array([m in expects for m in MODALITIES])
    return FusedEmotion(
        session_id=span.session_id,
        party=span.party,
        start_ms=span.start_ms,
        end_ms=span.end_ms,
        pane=pane,
        p=p,
        label=None if p is None else EMOTIONS[p.index(max(p))],
        confidence=0.0 if p is None else round(max(p) * _coverage(evidence, expected), DECIMALS),
        uncertainty=1.0 if p is None else round(float(uncertainty(pooled.p)[0]), DECIMALS),
        disagreement=_disagreement(evidence),
        modalities=states,
        rule=fuser.name,
    )


def _summary(window: Window, modality: Modality) -> Summary:
    held = window.get(modality)
    return summarise([held[rank] for rank in sorted(held)]) if held else MISSING


def _evidence(summaries: list[Summary], fuser: Fuser) -> Evidence:
    """Return the arrays of one window: always of one shape, so that the bits depend on nothing else."""
    return Evidence(
        p=np.array([[SILENT if s.p is None else s.p for s in summaries]]),
        present=np.array([[s.p is not None for s in summaries]]),
        quality=np.array([[s.quality for s in summaries]]),
        trust=fuser.bounded[None],
    )


def _coverage(evidence: Evidence, expected: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> float:
    all_of_it = float(evidence.trust[0, expected].sum())
    return float(evidence.trust[0, evidence.present[0] & expected].sum()) / all_of_it


def _state(modality: Modality, summary: Summary, weight: float) -> ModalityState:
    return ModalityState(
        modality=modality,
        state=summary.state,
        reason=summary.reason,
        p=None if summary.p is None else _rounded(summary.p),
        weight=weight,
        quality=round(summary.quality, DECIMALS),
        count=summary.count,
        model_id=summary.model_id,
    )


def _disagreement(evidence: Evidence) -> float:
    if evidence.present.sum() < 2:
        return 0.0
    return round(float(disagreement(evidence.p, evidence.present)[0]), DECIMALS)


def _rounded(values: Iterable[float]) -> tuple[float, ...]:
    return tuple([round(value, DECIMALS) + 0.0 for value in values])
