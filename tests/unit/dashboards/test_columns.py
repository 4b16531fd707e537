"""The columns of finals: each is decoded once, and what Redis holds is what is returned."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.session_lines import window

from affectstream.analytics.label import NOTHING, Display, fold
from affectstream.analytics.usual import UNKNOWN, relative, usual_by
from affectstream.dashboards import columns_cache
from affectstream.dashboards.columns import STATUSES, Columns, learnt_of, recent
from affectstream.dashboards.columns_cache import ColumnsCache
from affectstream.schemas.codec import encode
from affectstream.schemas.messages import MODALITIES, FusedEmotion, ModalityState, PartyKey, Reason

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

    async def entries_of(
        self, parties: list[tuple[PartyKey, int]], limit: int
    ) -> list[list[tuple[int, bytes]]]:
        return [await self.entries(*key, from_ms, limit) for key, from_ms in parties]


def call(count: int, p: tuple[float, ...] | None = HAPPY) -> list[FusedEmotion]:
    return [window(i, p) for i in range(count)]


def cache(stream: Stream, max_bytes: int = 1 << 20) -> ColumnsCache:
    return ColumnsCache(stream, Display(), max_bytes)  # type: ignore[arg-type]  # what is needed of a store


def entries(finals: list[FusedEmotion]) -> list[tuple[int, bytes]]:
    return [(final.end_ms, encode(final)) for final in finals]


def shares(*tenths: int) -> tuple[float, ...] | None:
    """A distribution by weights; None where there are none."""
    return tuple(each / sum(tenths) for each in tenths) if sum(tenths) else None


DISTRIBUTIONS = st.builds(shares, *[st.integers(0, 3)] * 7)
VOICES = st.one_of(
    st.none(),
    st.builds(
        lambda p, weight, model: ModalityState(
            modality="audio", state="present", p=p, weight=weight, count=1, model_id=model
        ),
        DISTRIBUTIONS.filter(bool),
        st.sampled_from([0.3, 1.0]),
        st.sampled_from(["a-voice", "another"]),
    ),
)
FINALS = st.lists(
    st.tuples(DISTRIBUTIONS, st.integers(1, 4), st.sampled_from(["a/1", "b/2+c"]), VOICES), max_size=40
)
DISPLAYS = st.builds(
    Display,
    hysteresis=st.sampled_from([0.0, 0.1, 1 / 3]),
    dwell_ms=st.sampled_from([0, 1000, 4000]),
    min_probability=st.sampled_from([None, 0.0, 0.4]),
    fitted=st.just({"a": 0.3}),
    routine=st.sampled_from([{}, {"a-voice": (0.7, *(0.05,) * 6)}]),
)


@given(FINALS, DISPLAYS, st.integers(1, 7))
def test_what_is_displayed_is_what_the_step_of_each_final_says(
    drawn: list[tuple[tuple[float, ...] | None, int, str, ModalityState | None]], display: Display, page: int
) -> None:
    second, finals = 0, []
    for p, gap, rule, voice in drawn:
        second += gap
        finals.append(window(second, p, rule=rule, modalities=(voice,) if voice else ()))
    found = Columns(display)
    for start in range(0, len(finals), page):
        found.append(entries(finals[start : start + page]))
    expected = fold(display, NOTHING, finals)
    assert found.displayed([final.end_ms for final in finals]) == expected
    for rows, _ in recent(display, [entries(finals), entries(finals[:3])], [UNKNOWN, UNKNOWN]):
        assert rows["shown"].tolist() == found.rows["shown"].tolist()[: len(rows)]
    start = [expected[min(4, len(expected) - 1)].usual] if expected else [UNKNOWN]
    ((later, after),) = recent(replace(display, hysteresis=0, dwell_ms=0), [entries(finals[5:])], start)
    assert after == (expected[-1].usual if expected else UNKNOWN)
    if display.memoryless:
        assert later["shown"].tolist() == found.rows["shown"].tolist()[5:]
    usual = [UNKNOWN, *(each.usual for each in expected)]
    for row, before, final in zip(found.rows, usual, finals, strict=False):
        wanted = relative(before, final, display.routine) or [np.nan] * 7
        assert row["relative"] == pytest.approx(wanted, abs=1e-6, nan_ok=True)
    heard = learnt_of(entries(finals), display, UNKNOWN)
    assert [usual_by(heard, final.end_ms) for final in finals] == [each.usual for each in expected]


STATES = st.one_of(
    st.builds(
        lambda weight: {"state": "present", "p": HAPPY, "weight": weight, "count": 1},
        st.floats(0, 1, width=32),
    ),
    st.builds(lambda reason: {"state": "abstained", "reason": reason}, st.sampled_from(Reason)),
    st.just({"state": "missing"}),
)
MODALITIES_OF_A_FINAL = st.dictionaries(st.sampled_from(MODALITIES), STATES)


@given(st.lists(MODALITIES_OF_A_FINAL, min_size=1, max_size=10))
def test_the_columns_of_a_modality_are_its_states(drawn: list[dict[str, dict[str, object]]]) -> None:
    states = [tuple(ModalityState(modality=m, **of) for m, of in each.items()) for each in drawn]
    found = Columns(Display())
    found.append(entries([window(i, HAPPY, modalities=each) for i, each in enumerate(states)]))
    for row, each in zip(found.rows, states, strict=True):
        by_name = {state.modality: state for state in each}
        for m, name in enumerate(MODALITIES):
            state = by_name.get(name)
            assert row["weight"][m] == (state.weight if state else 0.0)
            status = STATUSES[row["status"][m]]
            assert status == ((state.reason or state.state) if state else "none")


async def test_the_columns_are_the_numbers_of_the_finals_to_the_last_bit() -> None:
    finals = [*call(3), window(3, None), window(4, SAD)]
    rows = (await cache(Stream(*finals)).columns("s", "customer")).rows
    assert rows["end_ms"].tolist() == [final.end_ms for final in finals]
    for row, final in zip(rows, finals, strict=True):
        assert row["measures"].tolist() == [final.confidence, final.uncertainty, final.disagreement]
        assert np.array_equal(row["p"], final.p or [np.nan] * 7, equal_nan=True)


async def test_a_final_is_read_once_and_those_that_come_are_appended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns_cache, "PAGE", 4)
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


async def test_what_is_read_ahead_is_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns_cache, "AHEAD", 4)
    stream = Stream(*call(10))
    cached = cache(stream)
    assert [await cached.ahead("s", "customer") for _ in range(3)] == [True, True, True]
    assert not await cached.ahead("s", "customer")
    before = stream.read
    assert len((await cached.columns("s", "customer")).rows) == 10
    assert stream.read == before + 1  # the newest one is compared


async def test_a_request_that_comes_meanwhile_reads_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns_cache, "AHEAD", 4)
    cached = cache(Stream(*call(10)))
    assert await cached.ahead("s", "customer")
    rows = (await cached.columns("s", "customer")).rows
    assert rows["end_ms"].tolist() == [final.end_ms for final in call(10)]


async def test_what_is_read_ahead_takes_half_of_the_bytes_and_is_dropped_before_what_was_asked_for() -> None:
    stream = Stream(*call(100))
    cached = cache(stream, max_bytes=37_000)  # of 15,000 a party
    await cached.columns("s", "customer")
    assert not await cached.ahead("s", "agent")
    assert not await cached.ahead("s", "other")  # for which there is no room
    assert stream.read == 200
    await cached.columns("t", "customer")
    assert stream.read == 300
    await cached.columns("s", "customer")
    assert stream.read == 301
