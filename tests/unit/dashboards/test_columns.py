"""The columns of finals: each is decoded once, and what Redis holds is what is returned."""

import numpy as np
import pytest
from support.session_lines import window

from affectstream.analytics.label import Display
from affectstream.dashboards import columns
from affectstream.dashboards.columns import ColumnsCache
from affectstream.schemas.codec import encode
from affectstream.schemas.messages import FusedEmotion

HAPPY = (0.1, 0.4, 0.1, 0.1, 0.1, 0.1, 0.1)
SAD = (0.1, 0.1, 0.4, 0.1, 0.1, 0.1, 0.1)


class Stream:
    """The entries of one party as a store gives them; counts those that were read."""

    def __init__(self, *finals: FusedEmotion) -> None:
        self.finals = list(finals)
        self.read = 0

    async def entries(
        self, session_id: str, party: str, from_ms: int | None, limit: int
    ) -> list[tuple[int, bytes]]:
        found = [(f.end_ms, encode(f)) for f in self.finals if f.end_ms >= (from_ms or 0)][:limit]
        self.read += len(found)
        return found


def call(count: int, p: tuple[float, ...] | None = HAPPY) -> list[FusedEmotion]:
    return [window(i, p) for i in range(count)]


def cache(stream: Stream, max_bytes: int = 1 << 20) -> ColumnsCache:
    return ColumnsCache(stream, Display(), max_bytes)  # type: ignore[arg-type]  # what is needed of a store


async def test_the_columns_are_the_numbers_of_the_finals_to_the_last_bit() -> None:
    finals = [*call(3), window(3, None), window(4, SAD)]
    rows = (await cache(Stream(*finals)).columns("s", "customer")).rows
    assert rows["end_ms"].tolist() == [final.end_ms for final in finals]
    for row, final in zip(rows, finals, strict=True):
        assert row["measures"].tolist() == [final.confidence, final.uncertainty, final.disagreement]
        assert np.array_equal(row["p"], final.p or [np.nan] * 7, equal_nan=True)


async def test_a_final_is_read_once_and_those_that_come_are_appended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns, "PAGE", 4)
    stream = Stream(*call(10))
    cached = cache(stream)
    for count in (10, 10, 17):
        stream.finals = call(count)
        assert len((await cached.columns("s", "customer")).rows) == count
    assert stream.read < 17 + 8  # the newest one is compared each time and between pages


@pytest.mark.parametrize("again", [call(3), call(5, SAD), call(12, SAD), []])
async def test_a_session_that_was_purged_and_written_again_is_read_anew(again: list[FusedEmotion]) -> None:
    stream = Stream(*call(5))
    cached = cache(stream)
    await cached.columns("s", "customer")
    stream.finals = again
    rows = (await cached.columns("s", "customer")).rows
    assert rows["label"].tolist() == [1 if final.p == HAPPY else 2 for final in again]


async def test_the_columns_asked_for_longest_ago_are_dropped_within_the_bytes() -> None:
    stream = Stream(*call(100))
    cached = cache(stream, max_bytes=30_000)
    for party in ("customer", "agent", "other", "customer"):
        await cached.columns("s", party)  # type: ignore[arg-type]
    assert stream.read == 400  # the first one was dropped for the third, and read again
