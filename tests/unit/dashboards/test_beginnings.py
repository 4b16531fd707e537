"""The usual voice of a party as the store tells it: read once, and anew where the session is another."""

from itertools import pairwise

import pytest
from support.session_lines import spread, window

from affectstream.analytics.label import NOTHING, Display, fold
from affectstream.analytics.usual import UNKNOWN
from affectstream.dashboards import beginnings
from affectstream.dashboards.beginnings import Beginnings
from affectstream.schemas.codec import encode
from affectstream.schemas.messages import FusedEmotion, ModalityState, PartyKey

DISPLAY = Display(routine={"a-voice": spread("neutral", 0.7)})
ANA, BEN = ("call", "customer"), ("two", "customer")


def call(count: int, emotion: str = "angry", silent: int = 0) -> list[FusedEmotion]:
    """Finals of a voice, a second each, after some without one."""
    p = spread(emotion, 0.5)
    voice = ModalityState(modality="audio", state="present", p=p, weight=1.0, count=1, model_id="a-voice")
    quiet = [window(i, None) for i in range(silent)]
    return [*quiet, *(window(i, p, modalities=(voice,)) for i in range(silent, count))]


class Stored:
    """The finals of parties as a store gives them; counts those that were read and how often it was asked."""

    def __init__(self, **calls: list[FusedEmotion]) -> None:
        self.calls = calls
        self.read = self.asked = self.largest = 0

    async def entries_of(
        self, parties: list[tuple[PartyKey, int | None]], limit: int
    ) -> list[list[tuple[int, bytes]]]:
        self.asked += 1
        pages = [
            [(f.end_ms, encode(f)) for f in self.calls.get(sid, []) if f.end_ms >= (from_ms or 0)][:limit]
            for (sid, _), from_ms in parties
        ]
        self.read += sum(map(len, pages))
        self.largest = max(self.largest, sum(map(len, pages)))
        return pages


def reading(stored: Stored) -> Beginnings:
    return Beginnings(stored, DISPLAY)  # type: ignore[arg-type]  # what is needed of a store


@pytest.mark.parametrize("silent", [0, 150])
@pytest.mark.parametrize("until_ms", [0, 1_000, 30_500, 31_000, 90_000, 400_000])
async def test_it_is_that_of_the_fold_over_the_finals_before(until_ms: int, silent: int) -> None:
    finals = call(300, silent=silent)
    before = fold(DISPLAY, NOTHING, [f for f in finals if f.end_ms < until_ms])
    expected = before[-1].usual if before else NOTHING.usual
    known = reading(Stored(call=finals))
    assert await known.before([(ANA, until_ms)]) == [expected]
    assert await known.before([(ANA, 500_000)]) == [fold(DISPLAY, NOTHING, finals)[-1].usual]
    assert await known.before([(ANA, until_ms)]) == [expected]


async def test_many_parties_are_read_a_page_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beginnings, "AT_ONCE", 2)
    monkeypatch.setattr(beginnings, "PAGE", 20)
    calls = {f"call-{n}": call(20 * n) for n in range(5)}
    stored = Stored(**calls)
    found = await reading(stored).before([((sid, "customer"), 70_001) for sid in calls])
    assert found == [
        fold(DISPLAY, NOTHING, [*finals[:70]])[-1].usual if finals else UNKNOWN for finals in calls.values()
    ]
    assert stored.largest <= 20


async def test_what_a_call_says_later_is_not_read_again_and_after_a_minute_nothing_is() -> None:
    stored = Stored(call=[], two=call(300))
    known = reading(stored)
    for second in range(1, 90):
        stored.calls["call"] = call(second)
        for until_ms in (second * 1000, (second - 1) * 1000):
            await known.before([(ANA, until_ms), (BEN, 300_000)])
    # the newest also before it counts, once the minute again, and the first final where a time lies behind
    assert stored.read <= 100 + 3 * 60 + 100
    assert stored.asked <= 170


async def test_a_final_that_follows_on_what_is_known_need_not_be_read() -> None:
    finals = call(90, silent=5)
    stored = Stored(call=finals[:1])
    known = reading(stored)
    for final, (before, after) in zip(
        finals, pairwise([NOTHING, *fold(DISPLAY, NOTHING, finals)]), strict=True
    ):
        assert await known.before([(ANA, final.start_ms + 1)]) == [before.usual]
        known.follow([(final, after.usual)])
    assert stored.asked == 2  # before the first and after it
    stored.calls["call"] = finals
    known.follow([(finals[3], UNKNOWN)])  # long known
    assert await known.before([(ANA, 30_500)]) == [fold(DISPLAY, NOTHING, finals[:30])[-1].usual]


async def test_a_final_behind_a_gap_is_read() -> None:
    finals = call(40)
    known = reading(Stored(call=finals))
    await known.before([(ANA, 1)])
    known.follow([(finals[20], UNKNOWN)])
    assert await known.before([(ANA, 40_001)]) == [fold(DISPLAY, NOTHING, finals)[-1].usual]


async def test_parties_are_read_together() -> None:
    stored = Stored(call=call(300), two=call(300, "sad"))
    ana, ben = await reading(stored).before([(ANA, 300_000), (BEN, 300_000)])
    assert (ana.p.index(max(ana.p)), ben.p.index(max(ben.p)), stored.asked) == (3, 2, 1)


async def test_a_session_that_was_sent_again_is_read_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    stored = Stored(call=call(100))
    known = reading(stored)
    (angry,) = await known.before([(ANA, 100_000)])
    stored.calls["call"] = call(100, "sad")
    assert await known.before([(ANA, 100_000)]) == [angry]
    (sooner,) = await known.before([(ANA, 30_001)])  # a time that lies behind
    assert sooner == fold(DISPLAY, NOTHING, call(30, "sad"))[-1].usual
    monkeypatch.setattr(beginnings, "CHECKED_S", -1.0)
    (sad,) = await known.before([(ANA, 100_000)])
    assert sad == fold(DISPLAY, NOTHING, call(100, "sad"))[-1].usual
    stored.calls.clear()
    assert (await known.before([(ANA, 100_000)]))[0].length_ms == 0


async def test_the_parties_asked_for_last_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beginnings, "PARTIES", 1)
    stored = Stored(call=call(100), two=call(100))
    known = reading(stored)
    for key in (ANA, BEN, BEN, ANA):
        await known.before([(key, 100_000)])
    assert stored.asked == 3


async def test_a_display_that_measures_nothing_reads_nothing() -> None:
    stored = Stored(call=call(100))
    found = await Beginnings(stored, Display()).before([(ANA, 100_000)])  # type: ignore[arg-type]
    assert (found[0].length_ms, stored.asked) == (0, 0)
