"""What one modality brought to one window, from its observations; imports messages and faces only."""

import math
import operator
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from schemas.messages import Abstention, Probabilities, Reason
from workers.fusion.faces import follow


@dataclass(frozen=True)
class Held:
    """An observation in a window, with the part of it that lies there."""

    item: Probabilities | Abstention
    overlap_ms: int


@dataclass(frozen=True)
class Summary:
    """The mean distribution of a modality over a window, or why there is none."""

    state: Literal["present", "abstained", "missing"]
    p: tuple[float, ...] | None = None  # (7,)
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
    """Return the mean; the sums are exact before they are rounded, whatever the order."""
    p, quality, overlap, models = zip(*rows, strict=True)
    weight = [q * o for q, o in zip(quality, overlap, strict=True)]
    weighed = math.fsum(weight)
    share = weight if weighed > 0.0 else overlap
    mean = [math.fsum(map(operator.mul, share, column)) for column in zip(*p, strict=True)]
    total = math.fsum(mean)
    return Summary(
        state="present",
        p=tuple(value / total for value in mean),
        quality=min(1.0, weighed / sum(overlap)),
        count=len(rows),
        model_id=models[-1],
    )
