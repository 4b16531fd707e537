"""The moods of all calls over time: shares of windows by emotion, in stretches of equal length."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from pydantic import Field, create_model

from affectstream.dashboards.buckets import DECIMALS
from affectstream.dashboards.columns import NO_LABEL, Rows
from affectstream.dashboards.responses import Ms, ResponseModel, Share
from affectstream.schemas.labels import EMOTIONS, N_EMOTIONS

LABELS: dict[str, Any] = {
    name: (Share, Field(description=f"share of the windows labelled {name}")) for name in EMOTIONS
}

Mood = create_model(
    "Mood",
    __base__=ResponseModel,
    __doc__="The windows of all parties of all calls that start within a stretch of time.",
    start_ms=(Ms, ...),
    parties=(int, Field(description="how many have windows in it")),
    unknown=(Share, Field(description="share of the windows without a label")),
    **LABELS,
)


def moods(parties: Iterable[Rows], bucket_ms: int) -> list[Any]:
    """Return the stretches that hold windows, in order, aligned to the epoch; each window counts the same."""
    counts: dict[int, np.ndarray[Any, Any]] = {}  # by stretch: windows by label, without one, and parties
    for rows in parties:
        numbers = rows["start_ms"] // bucket_ms
        labels = np.where(rows["label"] == NO_LABEL, N_EMOTIONS, rows["label"])
        for number in np.unique(numbers):
            row = counts.setdefault(int(number), np.zeros(N_EMOTIONS + 2, np.int64))
            row[:-1] += np.bincount(labels[numbers == number], minlength=N_EMOTIONS + 1)
            row[-1] += 1
    return [_mood(number * bucket_ms, counts[number]) for number in sorted(counts)]


def _mood(start_ms: int, row: np.ndarray[Any, Any]) -> Any:
    shares = (row[:-1] / row[:-1].sum()).round(DECIMALS).tolist()
    return Mood(
        start_ms=start_ms,
        parties=int(row[-1]),
        unknown=shares[-1],
        **dict(zip(EMOTIONS, shares, strict=False)),
    )
