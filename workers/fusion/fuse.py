"""A fused message from the observations of a window.

- ``p`` is the rule's; ``label`` is its largest entry, the first in label order of equals.
- ``confidence`` is the largest probability times coverage: the trust in the modalities that are present as a
  share of the trust in all that the party was expected to send. One that abstained or is missing lowers it,
  and one that is held does by its age.
- ``uncertainty`` is the entropy of ``p`` over log 7.
- ``disagreement`` is the Jensen-Shannon divergence of the present and held modalities over its maximum.
Where nothing is present or held: no ``p``, no label, confidence 0, uncertainty 1, disagreement 0.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from affectstream.models.fusion.evidence import Array, Evidence, disagreement, uncertainty
from affectstream.schemas.labels import EMOTIONS, N_EMOTIONS
from affectstream.schemas.messages import MODALITIES, FusedEmotion, Modality, ModalityState, Party
from affectstream.workers.fusion import carry
from affectstream.workers.fusion.display import show
from affectstream.workers.fusion.fuser import Fuser, faded
from affectstream.workers.fusion.party import Window
from affectstream.workers.fusion.reduce import MISSING, Summary, summarise

DECIMALS = 6
SILENT = (1.0 / N_EMOTIONS,) * N_EMOTIONS  # stands for what says nothing, and has no weight


@dataclass(frozen=True)
class Span:
    """Whose window this is, and when."""

    session_id: str
    party: Party
    start_ms: int
    end_ms: int


def compose(
    fuser: Fuser,
    span: Span,
    pane: Literal["early", "final"],
    window: Window,
    expects: Collection[Modality],
    before: FusedEmotion | None = None,
) -> FusedEmotion:
    """Return the fused message of ``window``: a function of its observations and of the final before it."""
    summaries = _summaries(fuser, span, window, before)
    p_each = np.array([[SILENT if s.p is None else s.p for s in summaries]])  # (1, modalities, 7)
    begun = carry.agreements_before(before, span.start_ms) if fuser.online else None
    full = fuser.trust(p_each, begun)
    evidence = _evidence(p_each, summaries, faded(full, summaries))
    pooled = fuser.rule.fuse(evidence)
    ended = carry.agreements_after(begun, summaries, p_each[0], span.end_ms - span.start_ms)
    states = map(_state, MODALITIES, summaries, pooled.weights[0].tolist(), evidence.trust[0].tolist(), ended)
    p = _rounded(pooled.p[0].tolist()) if evidence.present.any() else None
    label = None if p is None else EMOTIONS[p.index(max(p))]
    shown = show(fuser.display, p, label, span.start_ms, before)
    return FusedEmotion(
        session_id=span.session_id,
        party=span.party,
        start_ms=span.start_ms,
        end_ms=span.end_ms,
        pane=pane,
        p=p,
        label=label,
        confidence=0.0 if p is None else round(max(p) * _coverage(evidence, full, expects), DECIMALS),
        uncertainty=1.0 if p is None else round(float(uncertainty(pooled.p)[0]), DECIMALS),
        disagreement=_disagreement(evidence),
        modalities=tuple(state for state in states if state.modality in expects),
        rule=fuser.name(evidence),
        shown=shown.shown,
        steady=shown.steady,
        shown_since_ms=shown.since_ms,
    )


def _summaries(fuser: Fuser, span: Span, window: Window, before: FusedEmotion | None) -> list[Summary]:
    """Return what each modality brought, or what it said last where that is held."""
    summaries = [_summary(window, m) for m in MODALITIES]
    if before is None or not any(fuser.hold_ms.values()):
        return summaries
    lasts = {state.modality: state for state in before.modalities}
    elapsed_ms = span.end_ms - before.end_ms
    return [
        carry.held(summary, lasts.get(m), elapsed_ms, fuser.hold_ms.get(m, 0))
        for m, summary in zip(MODALITIES, summaries, strict=True)
    ]


def _summary(window: Window, modality: Modality) -> Summary:
    held = window.get(modality)
    return summarise([held[rank] for rank in sorted(held)]) if held else MISSING


def _evidence(p_each: Array, summaries: Sequence[Summary], trust: Sequence[float]) -> Evidence:
    """Return the arrays of one window: always of one shape, so that the bits depend on nothing else."""
    return Evidence(
        p=p_each,
        present=np.array([[s.p is not None for s in summaries]]),
        quality=np.array([[s.quality for s in summaries]]),
        trust=np.array([trust]),
        embeddings=tuple([s.embedding for s in summaries]),
    )


def _coverage(evidence: Evidence, full: Sequence[float], expects: Collection[Modality]) -> float:
    """Return the trust in what the rule saw as a share of the trust in all that is expected, were it new."""
    columns = zip(MODALITIES, evidence.present[0].tolist(), evidence.trust[0].tolist(), full, strict=True)
    seen = all_of_it = 0.0
    for modality, present, trust, of_now in columns:
        if modality in expects:
            all_of_it += of_now
            seen += trust if present else 0.0
    return seen / all_of_it


def _state(
    modality: Modality, summary: Summary, weight: float, trust: float, agreement: float | None
) -> ModalityState:
    said = summary.p is not None
    return ModalityState(
        modality=modality,
        state=summary.state,
        reason=summary.reason,
        p=None if summary.p is None else _rounded(summary.p),
        weight=round(weight, DECIMALS) + 0.0,
        quality=round(summary.quality, DECIMALS),
        count=summary.count,
        model_id=summary.model_id,
        trust=round(trust, DECIMALS) if said else None,
        age_ms=summary.age_ms,
        agreement=None if agreement is None else round(agreement, DECIMALS),
    )


def _disagreement(evidence: Evidence) -> float:
    if evidence.present.sum() < 2:
        return 0.0
    return round(float(disagreement(evidence.p, evidence.present)[0]), DECIMALS)


def _rounded(values: Iterable[float]) -> tuple[float, ...]:
    return tuple([round(value, DECIMALS) + 0.0 for value in values])
