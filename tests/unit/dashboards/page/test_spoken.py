"""The words of a recorded call on its page: read on while there may be more, and audited once."""

from types import SimpleNamespace
from typing import Any

from affectstream.analytics.turns import Words
from affectstream.dashboards.page.listening import Spoken
from affectstream.dashboards.sound import Script
from affectstream.schemas.errors import InputError

SAID = [Words("customer", 1000 * i, 1000 * i + 900, "Good morning.") for i in range(3)]


class Recorded:
    """A recording with so many utterances by now; None: there is none."""

    def __init__(self, said: int | None, damaged: bool = False) -> None:
        self.said, self.damaged, self.first, self.reads = said, damaged, 0, 0

    async def script(self, session_id: str, before: Script | None) -> Script | None:
        self.reads, self.first = self.reads + 1, self.first + (before is None)
        if self.damaged:
            raise InputError("call.mcap: damaged")
        recording: Any = SimpleNamespace()
        return None if self.said is None else Script(recording, SAID[: self.said])


def spoken(recorded: Recorded) -> Spoken:
    return Spoken("call", recorded)  # type: ignore[arg-type]


async def test_words_that_come_are_told_of_and_the_first_reading_alone_is_the_first() -> None:
    recorded = Recorded(1)
    page = spoken(recorded)
    assert [await page.refresh(live=True) for _ in range(2)] == [True, False]
    recorded.said = 3
    assert [await page.refresh(live=True) for _ in range(2)] == [True, False]
    assert (page.words, recorded.first) == (SAID, 1)


async def test_the_last_words_of_a_call_that_is_over_are_read_too() -> None:
    recorded = Recorded(2)
    page = spoken(recorded)
    await page.refresh(live=True)
    recorded.said = 3
    assert await page.refresh(live=False)
    assert page.words == SAID


async def test_a_call_that_is_over_and_was_not_recorded_is_looked_at_once() -> None:
    recorded = Recorded(None)
    page = spoken(recorded)
    assert [await page.refresh(live=False) for _ in range(3)] == [False] * 3
    assert (page.words, recorded.reads) == ([], 1)


async def test_words_go_once_they_may_not_be_read_any_more() -> None:
    recorded = Recorded(3)
    page = spoken(recorded)
    await page.refresh(live=True)
    recorded.said = None
    assert await page.refresh(live=True)
    assert page.words == []


async def test_a_damaged_recording_leaves_the_page_with_the_words_that_it_has() -> None:
    recorded = Recorded(2)
    page = spoken(recorded)
    await page.refresh(live=True)
    recorded.damaged = True
    assert not await page.refresh(live=True)
    assert page.words == SAID[:2]
