"""What one modality brought to one window, from its observations."""

import math
import operator
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from affectstream.models.fusion.evidence import Array
from affectstream.schemas.messages import Abstention, Face, Probabilities, Reason
from affectstream.workers.fusion.faces import follow


@dataclass(frozen=True)
class Held:
    """An observation in a window, with the part of it that lies there."""

    item: Probabilities | Abstention
    overlap_ms: int


class Said(NamedTuple):
    """What one observation says, of the followed face where it lists faces."""

    p: tuple[float, ...]  # (7,)
    quality: float
    overlap_ms: int
    model_id: str
    embedding: bytes | None  # little-endian float32


@dataclass(frozen=True)
class Summary:
    """The mean distribution of a modality over a window, or why there is none."""

    state: Literal["present", "held", "abstained", "missing"]
    p: tuple[float, ...] | None = None  # (7,)
    quality: float = 0.0
    count: int = 0
    model_id: str | None = None
    reason: Reason | None = None
    age_ms: int = 0
    embedding: Array | None = None  # (1, its size)


MISSING = Summary("missing")


def summarise(held: Sequence[Held]) -> Summary:
    """Return the summary of one modality's observations, given in the order of their start and number."""
    said = _said([(h.item, h.overlap_ms) for h in held if isinstance(h.item, Probabilities)])
    if said:
        return _mean(said)
    reasons = Counter(h.item.reason for h in held if isinstance(h.item, Abstention))
    if not reasons:
        return MISSING
    top = max(reasons.values())
    return Summary("abstained", reason=next(r for r in Reason if reasons[r] == top))


def _said(spoken: Sequence[tuple[Probabilities, int]]) -> list[Said]:
    """Return what each observation says; one that lists faces, and not the followed one, says nothing."""
    said: list[Said] = []
    for (item, overlap_ms), face in zip(spoken, follow([item for item, _ in spoken]), strict=True):
        if face is not None:
            said.append(Said(face.p, face.quality, overlap_ms, item.model_id, _embedding(item, face)))
        elif not item.faces:
            said.append(Said(item.p, item.quality, overlap_ms, item.model_id, item.embedding))
    return said


def _embedding(item: Probabilities, face: Face) -> bytes | None:
    """Return the embedding of ``face``: its own, or the frame's where that is of this face."""
    return item.embedding if face.embedding is None and face is item.faces[0] else face.embedding


def _mean(said: Sequence[Said]) -> Summary:
    """Return the mean; the sums are exact before they are rounded, whatever the order."""
    p, quality, overlap, models, embeddings = zip(*said, strict=True)
    weight = [q * o for q, o in zip(quality, overlap, strict=True)]
    weighed = math.fsum(weight)
    share = weight if weighed > 0.0 else overlap
    mean = [math.fsum(map(operator.mul, share, column)) for column in zip(*p, strict=True)]
    total = math.fsum(mean)
    return Summary(
        state="present",
        p=tuple(value / total for value in mean),
        quality=min(1.0, weighed / sum(overlap)),
        count=len(said),
        model_id=models[-1],
        embedding=_mean_embedding(share, models, embeddings) if any(embeddings) else None,
    )


def _mean_embedding(
    share: Sequence[float], models: Sequence[str], embeddings: Sequence[bytes | None]
) -> Array | None:
    """Return the weighted mean (1, size) of the embeddings of the last one's model and size."""
    carried = [row for row in zip(share, models, embeddings, strict=True) if row[2]]
    _, model, newest = carried[-1]
    alike = [(s, e) for s, m, e in carried if m == model and e and newest and len(e) == len(newest)]
    read = [(s, np.frombuffer(e, "<f4").astype(np.float64)) for s, e in alike if len(e) % 4 == 0]
    sound = [(s, e) for s, e in read if np.isfinite(e).all()]
    if not sound:
        return None
    weights = np.array([s for s, _ in sound], dtype=np.float64)
    weights = weights / weights.max() if weights.any() else np.ones(len(sound))
    rows = np.stack([e for _, e in sound])
    mean: Array = (weights[:, None] * rows).sum(axis=0, keepdims=True) / weights.sum()
    return mean
