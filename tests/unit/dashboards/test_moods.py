"""The moods of all calls, drawn as one character a cell of five seconds and counted in stretches of three."""

import asyncio
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from affectstream.analytics.usual import Usual
from affectstream.dashboards.columns import NO_LABEL, ROW, Rows
from affectstream.dashboards.moods import CELL_MS, MOST_CELLS, Counted, Counts, Moods, length_ms, moods
from affectstream.schemas.labels import INDEX
from affectstream.schemas.messages import PartyKey

LETTERS = {"n": "neutral", "a": "angry", "h": "happy"}


def windows(line: str, at_ms: int = 0) -> Rows:
    """Windows five seconds apart, "." without evidence, "?" with too little of it."""
    rows = np.zeros(len(line), ROW)
    rows["start_ms"] = at_ms + np.arange(len(line)) * CELL_MS
    rows["end_ms"] = rows["start_ms"] + 1000
    rows["shown"] = [INDEX[LETTERS[c]] if c in LETTERS else NO_LABEL for c in line]
    rows["label"] = np.where(np.array(list(line)) == "?", INDEX["angry"], rows["shown"])
    return rows


def party(line: str) -> tuple[int, Counts]:
    """The counts of a party."""
    counted = Counted(0)
    counted.add(windows(line))
    return counted.between(None, None)


CASES = [
    pytest.param(["nnnaaa"], [(0, 1, {"neutral": 1.0}), (15_000, 1, {"angry": 1.0})], id="one party"),
    pytest.param(["nnn", "aaa"], [(0, 2, {"neutral": 0.5, "angry": 0.5})], id="parties weigh by windows"),
    pytest.param(["n..", ""], [(0, 1, {"neutral": 0.3333, "unknown": 0.6667})], id="without evidence"),
    pytest.param(
        ["n?.", ""], [(0, 1, {"neutral": 0.3333, "unsure": 0.3333, "unknown": 0.3333})], id="unsure"
    ),
    pytest.param([], [], id="nobody"),
]


@pytest.mark.parametrize(("lines", "expected"), CASES)
def test_shares_of_windows(lines: list[str], expected: list[Any]) -> None:
    found = [each.model_dump() for each in moods(map(party, lines), 15_000)]

    assert [(row["start_ms"], row["parties"]) for row in found] == [(at, n) for at, n, _ in expected]
    for row, (_, _, shares) in zip(found, expected, strict=True):
        assert {name: row[name] for name in (*INDEX, "unsure", "unknown") if row[name]} == shares


def test_finals_are_counted_page_by_page_and_a_range_is_cut_out() -> None:
    counted = Counted(0)
    for start in range(0, 12, 5):
        counted.add(windows("nnnaaahhh...", 0)[start : start + 5])
    first, cells = counted.between(15_000, 30_000)
    assert (first, cells[:, INDEX["angry"]].tolist(), cells.sum()) == (3, [1, 1, 1], 3)
    assert counted.between(600_000, 700_000)[1].sum() == 0


def test_a_party_of_more_than_a_day_keeps_the_newest_day() -> None:
    counted = Counted(0)
    counted.add(windows("nn"))
    counted.add(windows("aa", MOST_CELLS * CELL_MS))
    first, cells = counted.between(None, None)
    assert len(cells) <= MOST_CELLS
    assert (first, cells.sum(axis=0)[INDEX["angry"]], cells.sum(axis=0)[INDEX["neutral"]]) == (2, 2, 0)
    counted.add(windows("h", 10 * MOST_CELLS * CELL_MS))
    assert counted.between(None, None)[1].sum() == 1


def test_stretches_are_as_many_as_are_asked_for() -> None:
    parties = [party("n" * 700), party("a" * 10)]
    length = length_ms(parties, 120)
    assert length == 30_000
    assert len(moods(parties, length)) <= 120


class Reader:
    """A store that takes a second for a page of two finals."""

    def __init__(self) -> None:
        self.now_s, self.reads = 0.0, 0

    async def finals_of(
        self, parties: Sequence[tuple[PartyKey, int]], usual: Sequence[Usual]
    ) -> list[tuple[Rows, Usual]]:
        self.now_s, self.reads = self.now_s + 1.0, self.reads + 1
        rows = windows("nnaa")
        pages = [rows[rows["end_ms"] >= from_ms][:2] for _, from_ms in parties]
        return [
            (page, own.add((1 / 7,) * 7, 1000 * len(page))) for page, own in zip(pages, usual, strict=True)
        ]


def row(session: str, duration_ms: int = 15_000) -> Any:
    return SimpleNamespace(session=session, party="customer", end_ms=16_000, duration_ms=duration_ms)


async def test_an_answer_comes_in_time_and_later_ones_are_whole() -> None:
    """One request reads for a second and says how many parties lack finals; each final is read once."""
    reader = Reader()
    counting = Moods(reader, lambda: reader.now_s)  # type: ignore[arg-type]
    found, behind = await counting.of([row("a")])
    assert (behind, found[0].counts.sum()) == (1, 2)
    found, behind = await counting.of([row("a")])
    assert (behind, found[0].counts.sum()) == (0, 4)
    assert found[0].usual.length_ms == 4000
    await counting.of([row("a")])
    assert reader.reads == 2
    found, behind = await counting.of([row("a", duration_ms=16_000)])  # another run: from the beginning
    assert (behind, reader.reads) == (1, 3)


class Slow(Reader):
    """One that another request comes in between."""

    async def finals_of(
        self, parties: Sequence[tuple[PartyKey, int]], usual: Sequence[Usual]
    ) -> list[tuple[Rows, Usual]]:
        found = await super().finals_of(parties, usual)
        await asyncio.sleep(0)
        return found


async def test_two_requests_at_once_count_each_final_once() -> None:
    reader = Slow()
    counting = Moods(reader, lambda: 0.0)  # type: ignore[arg-type]
    both = await asyncio.gather(*(counting.of([row("a")]) for _ in range(2)))
    assert [(found[0].counts.sum(), behind) for found, behind in both] == [(4, 0)] * 2
