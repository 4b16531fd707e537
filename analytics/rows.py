"""One window as the columns of a flat row: the same names and values in files and in the API.

A value that is not there is None. Probabilities are named by their emotion, what a modality brought by the
modality and the column: ``video_weight``, ``audio_happy``.
"""

from typing import Any

from affectstream.analytics.label import DisplayedLabel
from affectstream.schemas.conflict import conflict
from affectstream.schemas.labels import EMOTIONS
from affectstream.schemas.messages import FusedEmotion, ModalityState

Row = dict[str, Any]

WINDOW = ("attributable", "label", "shown", "confidence", "uncertainty", "disagreement", "conflict")
MODALITY = ("state", "reason", "weight", "trust", "quality", "count", "model")
_NO_P = dict.fromkeys(EMOTIONS)


def window(fused: FusedEmotion, displayed: DisplayedLabel) -> Row:
    """Return the columns of ``WINDOW``; ``shown`` is the displayed label."""
    return {
        "attributable": fused.attributable,
        "label": fused.label,
        "shown": displayed.label,
        "confidence": fused.confidence,
        "uncertainty": fused.uncertainty,
        "disagreement": fused.disagreement,
        "conflict": conflict(fused),
    }


def modality(state: ModalityState) -> Row:
    """Return the columns of ``MODALITY``."""
    return {
        "state": state.state,
        "reason": state.reason,
        "weight": state.weight,
        "trust": state.trust,
        "quality": state.quality,
        "count": state.count,
        "model": state.model_id,
    }


def probabilities(p: tuple[float, ...] | None) -> Row:
    """Return a distribution by emotion; None for each where there is none."""
    return dict(zip(EMOTIONS, p, strict=True)) if p else dict(_NO_P)


def modalities(fused: FusedEmotion) -> Row:
    """Return the columns of every modality that the party was expected to send, with its probabilities."""
    row: Row = {}
    for state in fused.modalities:
        columns = modality(state) | probabilities(state.p)
        row |= {f"{state.modality}_{name}": value for name, value in columns.items()}
    return row


def flat(fused: FusedEmotion, displayed: DisplayedLabel) -> Row:
    """Return a window as one row: whose it is, when, and all columns."""
    return {
        "session": fused.session_id,
        "party": fused.party,
        "start_ms": fused.start_ms,
        "end_ms": fused.end_ms,
        **window(fused, displayed),
        "rule": fused.rule,
        **probabilities(fused.p),
        **modalities(fused),
    }
