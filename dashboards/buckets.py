"""A party's timeline in a bounded number of buckets of equal length: means, extremes and shares of labels."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, create_model

from affectstream.dashboards.columns import MEASURES, NO_LABEL, STATUSES, Rows
from affectstream.dashboards.responses import Label, Ms, ResponseModel, SessionName, Status
from affectstream.schemas.labels import EMOTIONS
from affectstream.schemas.messages import MODALITIES, Party

STEPS_S = (
    1,
    2,
    3,
    5,
    10,
    15,
    20,
    30,
    45,
    60,
    90,
    120,
    180,
    300,
    450,
    600,
    900,
    1800,
    3600,
)  # lengths of buckets, as clocks have them
DECIMALS = 4

Array = NDArray[Any]
Json = dict[str, Any]


def _described() -> Json:
    """Return the columns of a bucket beside its times and counts, in their order, with what they mean."""
    kinds: Json = {}
    for name in (*EMOTIONS, *MEASURES):
        for end, of in {"": "mean", "_min": "least", "_max": "largest"}.items():
            kinds[name + end] = (float | None, Field(description=f"{of} {name}; null without evidence"))
    for name in EMOTIONS:
        text = f"mean {name} with what is usual of the party's voice taken off; null without evidence"
        kinds[f"relative_{name}"] = (float | None, Field(description=text))
    kinds["shown"] = (Label, Field(description="the label displayed most often; null where there is none"))
    for name in (*EMOTIONS, "none"):
        kinds[f"shown_{name}"] = (float, Field(description=f"share of the windows that display {name}"))
    for modality in MODALITIES:
        kinds[f"{modality}_weight"] = (float, Field(description="mean share of the fused probabilities"))
        kinds[f"{modality}_present"] = (float, Field(description="share of the windows with its evidence"))
        kinds[f"{modality}_status"] = (Status | None, Field(description="the most frequent; null: no part"))
    return kinds


Bucket = create_model(
    "Bucket",
    __base__=ResponseModel,
    __doc__="The windows of one party that start within a stretch of time.",
    start_ms=(Ms, ...),
    end_ms=(Ms, ...),
    windows=(int, Field(description="how many")),
    known=(int, Field(description="how many of them have evidence, which means and extremes are of")),
    **_described(),
)


class Buckets(ResponseModel):
    """A timeline in buckets of equal length, aligned to the epoch, in order; empty ones are left out."""

    session: SessionName
    party: Party
    bucket_ms: int = Field(description="their length, such as clocks have: 1 s or more", examples=[120_000])
    buckets: list[Bucket]


def length_ms(span_ms: int, points: int) -> int:
    """Return the least usual length with which aligned buckets over a span are ``points`` at most."""
    for step_s in STEPS_S:
        if span_ms <= (points - 1) * step_s * 1000:  # aligned ones may be cut at both ends
            return step_s * 1000
    hours = -(-span_ms // (max(1, points - 1) * 3_600_000))
    return int(hours) * 3_600_000


def buckets(rows: Rows, bucket_ms: int) -> list[Json]:
    """Return the buckets that hold windows, in order, aligned to the epoch; a window is where it starts."""
    if not len(rows):
        return []
    numbers = rows["start_ms"] // bucket_ms
    first = np.flatnonzero(np.diff(numbers, prepend=numbers[0] - 1))  # of each bucket
    count = np.diff(first, append=len(rows))
    known = ~np.isnan(rows["p"][:, 0])
    columns: dict[str, Array] = {
        "start_ms": numbers[first] * bucket_ms,
        "end_ms": (numbers[first] + 1) * bucket_ms,
        "windows": count,
        "known": np.add.reduceat(known, first, dtype=np.int64),
    }
    for e, name in enumerate(EMOTIONS):
        columns |= _spread(name, rows["p"][:, e], first, count)
    for e, name in enumerate(EMOTIONS):
        columns[f"relative_{name}"] = _mean(rows["relative"][:, e], first)
    for m, name in enumerate(MEASURES):
        columns |= _spread(name, np.where(known, rows["measures"][:, m], np.nan), first, count)
    columns |= _labels(rows["shown"], first, count)
    for m, modality in enumerate(MODALITIES):
        columns |= _modality(modality, rows["weight"][:, m], rows["status"][:, m], first, count)
    return list(_as_rows(columns))


def _spread(name: str, values: Array, first: Array, count: Array) -> dict[str, Array]:
    """Return mean, least and largest of each bucket; not a number where it has no evidence."""
    return {
        name: _mean(values, first),
        f"{name}_min": np.fmin.reduceat(values, first),
        f"{name}_max": np.fmax.reduceat(values, first),
    }


def _mean(values: Array, first: Array) -> Array:
    """Return the mean of each bucket; not a number where it has no evidence."""
    there = np.add.reduceat(~np.isnan(values), first, dtype=np.int64)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.add.reduceat(np.nan_to_num(values), first) / there)


def _labels(shown: Array, first: Array, count: Array) -> dict[str, Array]:
    """Return the share of each displayed label, of none, and the one that is displayed most."""
    of = {name: np.add.reduceat(shown == e, first, dtype=np.int64) for e, name in enumerate(EMOTIONS)}
    most = np.argmax(np.stack(list(of.values())), axis=0)
    none = np.add.reduceat(shown == NO_LABEL, first, dtype=np.int64)
    names: Array = np.array([*EMOTIONS, None], dtype=object)
    return {
        "shown": names[np.where(none == count, len(EMOTIONS), most)],
        **{f"shown_{name}": np.divide(number, count) for name, number in of.items()},
        "shown_none": none / count,
    }


def _modality(name: str, weight: Array, status: Array, first: Array, count: Array) -> dict[str, Array]:
    """Return a modality's mean weight and its most frequent status; None where it is no part of the call."""
    of = np.stack([np.add.reduceat(status == s, first, dtype=np.int64) for s in range(len(STATUSES))])
    names: Array = np.array([None, *STATUSES[1:]], dtype=object)
    share = of[1] / count
    return {
        f"{name}_weight": np.add.reduceat(weight, first, dtype=np.float64) / count,
        f"{name}_present": share,
        f"{name}_status": names[np.argmax(of, axis=0)],
    }


def _as_rows(columns: dict[str, Array]) -> Iterator[Json]:
    plain = {name: _plain(values) for name, values in columns.items()}
    for values in zip(*plain.values(), strict=True):
        yield dict(zip(plain, values, strict=True))


def _plain(values: Array) -> list[Any]:
    """Return values as JSON has them: rounded, null where there is no number."""
    if values.dtype.kind != "f":
        return values.tolist()  # type: ignore[no-any-return]  # by dtype
    return [None if value != value else value for value in values.round(DECIMALS).tolist()]
