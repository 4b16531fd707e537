"""What requests read: finals that never change are parsed once, whichever routes ask for them."""

from collections import Counter

import pytest
from support.session_lines import window

from affectstream.analytics.label import Display
from affectstream.dashboards import reader as reading
from affectstream.dashboards import routes
from affectstream.dashboards.reader import Reader
from affectstream.runtime import rows
from affectstream.runtime.store import Session, Span
from affectstream.schemas.codec import encode
from affectstream.schemas.messages import FusedEmotion

HAPPY = (0.1, 0.4, 0.1, 0.1, 0.1, 0.1, 0.1)
SAD = (0.1, 0.1, 0.4, 0.1, 0.1, 0.1, 0.1)


class Stored:
    """The finals of one session's customer, as a store gives them."""

    def __init__(self, p: tuple[float, ...], count: int) -> None:
        self.finals = [window(i, p) for i in range(count)]

    async def session(self, session_id: str) -> Session:
        return Session(session_id, {"customer": Span(self.finals[0].end_ms, self.finals[-1].end_ms)})

    async def entries(
        self, session_id: str, party: str, from_ms: int | None, limit: int
    ) -> list[tuple[int, bytes]]:
        return [(f.end_ms, encode(f)) for f in self.finals if f.end_ms >= (from_ms or 0)][:limit]


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> Counter[int]:
    """How often each final was parsed, by the end of its window."""
    counts = Counter[int]()
    parse = rows.parsed

    def counting(data: bytes) -> FusedEmotion:
        final = parse(data)
        counts[final.end_ms] += 1
        return final

    monkeypatch.setattr(rows, "parsed", counting)
    return counts


async def ask_all(reader: Reader) -> None:
    """Ask what a page of a call asks."""
    await routes.summary(reader, "s")
    await routes.turns(reader, "s")
    await routes.timeline(reader, "s", "customer")
    await routes.modalities(reader, "s", "customer", limit=7)


async def test_each_final_is_parsed_once_however_many_requests_read_it(
    parsed: Counter[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "PAGE", 4)
    stored = Stored(HAPPY, 10)
    reader = Reader(stored, Display())  # type: ignore[arg-type]  # what is needed of a store
    for count in (10, 10, 17):
        stored.finals = Stored(HAPPY, count).finals
        await ask_all(reader)
        assert parsed == dict.fromkeys((final.end_ms for final in stored.finals), 1)


async def test_what_was_written_anew_is_parsed_anew(parsed: Counter[int]) -> None:
    stored = Stored(HAPPY, 3)
    reader = Reader(stored, Display())  # type: ignore[arg-type]
    await ask_all(reader)
    stored.finals = Stored(SAD, 3).finals
    assert {final.label for final in await reader.all_finals("s")} == {"sad"}
    assert set(parsed.values()) == {2}


async def test_no_more_finals_stay_parsed_than_the_limit_says(
    parsed: Counter[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "PARSED", 5)
    reader = Reader(Stored(HAPPY, 8), Display())  # type: ignore[arg-type]
    for _ in range(2):
        assert len(await reader.all_finals("s")) == 8
    assert sum(parsed.values()) == 16  # of eight, read in order, the five newest are never met first


@pytest.mark.parametrize(
    ("between", "limit", "expected", "next_from"),
    [
        ((None, None), 3, [1, 2, 3], 3000),
        ((3000, None), 3, [4, 5, 6], 6000),
        ((2000, 5000), 10, [3, 4, 5], None),
        ((2000, 5000), 2, [3, 4], 4000),
        ((None, 500), 2, [], None),
    ],
)
async def test_a_page_holds_what_ends_after_one_time_and_by_another(
    between: tuple[int | None, int | None], limit: int, expected: list[int], next_from: int | None
) -> None:
    reader = Reader(Stored(HAPPY, 8), Display())  # type: ignore[arg-type]
    found, following = await reader.finals("s", "customer", between, limit)
    assert ([final.end_ms // 1000 for final in found], following) == (expected, next_from)
