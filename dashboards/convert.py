"""Fused windows as rows of the API."""

from typing import Any

from affectstream.dashboards.responses import Latest, ModalityWindow, PartyRow, Window
from affectstream.schemas.conflict import conflict
from affectstream.schemas.labels import EMOTIONS
from affectstream.schemas.messages import FusedEmotion, ModalityState, Party

Row = dict[str, Any]


def window(fused: FusedEmotion) -> Window:
    """Return the fused probabilities and measures of a window."""
    return Window(**_fused(fused))


def latest(fused: FusedEmotion) -> Latest:
    """Return the newest window, and whether it may still be revised."""
    return Latest(
        session=fused.session_id, party=fused.party, pane=fused.pane, rule=fused.rule, **_fused(fused)
    )


def modalities(fused: FusedEmotion) -> Any:
    """Return the ModalityWindow of a window; modalities that are not part of the call stay null."""
    row: Row = {"start_ms": fused.start_ms, "end_ms": fused.end_ms}
    for state in fused.modalities:
        row |= {f"{state.modality}_{name}": value for name, value in _state(state).items()}
    return ModalityWindow(**row)


def party_row(session: str, party: Party, ends: tuple[int, int], newest: FusedEmotion | None) -> PartyRow:
    """Return a party's row from the ends of its first and last final window, and its newest pane."""
    first_end, last_end = ends
    start = first_end - (newest.end_ms - newest.start_ms if newest else 0)
    return PartyRow(
        session=session,
        party=party,
        start_ms=start,
        end_ms=last_end,
        duration_ms=last_end - start,
        label=newest.label if newest else None,
        confidence=newest.confidence if newest else None,
    )


def _fused(fused: FusedEmotion) -> Row:
    return {
        "start_ms": fused.start_ms,
        "end_ms": fused.end_ms,
        **_named(fused.p),
        "label": fused.label,
        "shown": fused.shown,
        "confidence": fused.confidence,
        "uncertainty": fused.uncertainty,
        "disagreement": fused.disagreement,
        "conflict": conflict(fused),
    }


def _state(state: ModalityState) -> Row:
    return {
        "state": state.state,
        "reason": state.reason,
        "status": state.state if state.p is not None else state.reason or state.state,
        "weight": state.weight,
        "trust": state.trust,
        "agreement": state.agreement,
        "age_ms": state.age_ms,
        "quality": state.quality,
        "count": state.count,
        "model": state.model_id,
        **_named(state.p),
    }


def _named(p: tuple[float, ...] | None) -> Row:
    return dict(zip(EMOTIONS, p if p else (None,) * len(EMOTIONS), strict=True))
