"""What one modality brought to one window, from its observations; imports NumPy, messages and faces only."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from schemas.messages import Abstention, Probabilities, Reason
from workers.fusion.faces import follow

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Held:
    """An observation in a window, with the part of it that lies there."""

    item: Probabilities | Abstention
    overlap_ms: int


@dataclass(frozen=True)
class Summary:
    """The mean distribution of a modality over a window, or why there is none."""

    state: Literal["present", "abstained", "missing"]
    p: Array | None = None  # (7,)
    quality: float = 0.0
    count: int = 0
    model_id: str | None = None
    reason: Reason | None = None


MISSING = Summary("missing")


def summarise(held: Sequence[Held]) -> Summary:
    """Return the summary of one modality's observations, given in the order of their start and number."""
    spoken = [h for h in held if isinstance(h.item, Probabilities)]
    said = _said([h.item for h in spoken if isinstance(h.item, Probabilities)])
    rows = [
        (p, quality, h.overlap_ms, model) for h, (p, quality, model) in zip(spoken, said, strict=True) if p
    ]
    if rows:
        return _mean(rows)
    reasons = Counter(h.item.reason for h in held if isinstance(h.item, Abstention))
    if not reasons:
        return MISSING
    top = max(reasons.values())
    return Summary("abstained", reason=next(r for r in Reason if reasons[r] == top))


def _said(items: Sequence[Probabilities]) -> list[tuple[tuple[float, ...], float, str]]:
    """Return per observation its distribution (empty where the followed face is not in it) and quality."""
    said: list[tuple[tuple[float, ...], float, str]] = []
    for item, face in zip(items, follow(items), strict=True):
        if face is not None:
            said.append((face.p, face.quality, item.model_id))
        elif item.faces:
            said.append(((), 0.0, item.model_id))
        else:
            said.append((item.p, item.quality, item.model_id))
    return said


def _mean(rows: Sequence[tuple[tuple[float, ...], float, int, str]]) -> Summary:
    p = np.array([row[0] for row in rows], dtype=np.float64)  # (observations, 7)
    quality = np.array([row[1] for row in rows], dtype=np.float64)
    overlap = np.array([row[2] for row in rows], dtype=np.float64)
    weight = overlap * quality
    if not weight.sum() > 0.0:
        weight = overlap
    mean = (weight[:, None] * p).sum(axis=0)
    return Summary(
        state="present",
        p=mean / mean.sum(),
        quality=min(1.0, float((overlap * quality).sum() / overlap.sum())),
        count=len(rows),
        model_id=rows[-1][3],
    )
