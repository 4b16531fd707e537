"""Observations and finals for tests: everything that a test does not care about has a sound value."""

from typing import Any

from affectstream.schemas.labels import EMOTIONS
from affectstream.schemas.messages import (
    MODALITIES,
    Abstention,
    EndOfStream,
    FusedEmotion,
    Modality,
    Probabilities,
    Reason,
)

HAPPY = (0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0)
SAD = (0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0)
MIXED = (0.1, 0.2, 0.3, 0.1, 0.1, 0.1, 0.1)


def envelope(
    modality: Modality, seq: int, start_ms: int, end_ms: int | None = None, **changes: Any
) -> dict[str, Any]:
    """The envelope of a customer's message; an instant unless it has an end, settled one past its start."""
    return {
        "session_id": "call",
        "party": "customer",
        "modality": modality,
        "expects": MODALITIES,
        "seq": seq,
        "start_ms": start_ms,
        "end_ms": start_ms if end_ms is None else end_ms,
        "watermark_ms": start_ms + 1,
    } | changes


def observed(
    modality: Modality,
    seq: int,
    start_ms: int,
    end_ms: int | None = None,
    *,
    p: tuple[float, ...] = HAPPY,
    quality: float = 1.0,
    **changes: Any,
) -> Probabilities:
    """An observation with probabilities; ``changes`` are fields of the message."""
    fields = {"model_id": "m", "p": p, "quality": quality} | changes
    return Probabilities(**(envelope(modality, seq, start_ms, end_ms) | fields))


def abstained(
    modality: Modality, seq: int, start_ms: int, end_ms: int | None = None, **changes: Any
) -> Abstention:
    """An abstention, because of silence unless it has another reason."""
    fields = {"reason": Reason.SILENCE} | changes
    return Abstention(**(envelope(modality, seq, start_ms, end_ms) | fields))


def ended(modality: Modality, seq: int, at_ms: int, **changes: Any) -> EndOfStream:
    """The end of a stream."""
    return EndOfStream(**(envelope(modality, seq, at_ms, watermark_ms=at_ms) | changes))


def final(end_ms: int, p: tuple[float, ...] | None = MIXED, **changes: Any) -> FusedEmotion:
    """A final of a second; without probabilities it is one of no evidence."""
    fields = {
        "session_id": "call",
        "party": "customer",
        "start_ms": end_ms - 1000,
        "end_ms": end_ms,
        "pane": "final",
        "p": p,
        "label": EMOTIONS[p.index(max(p))] if p else None,
        "confidence": max(p) if p else 0.0,
        "uncertainty": 0.5,
        "disagreement": 0.0,
        "modalities": (),
        "rule": "entropy_trust",
    }
    return FusedEmotion(**(fields | changes))
