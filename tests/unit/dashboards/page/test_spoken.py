"""The words of a recorded call on its page: read once, or now and then while it goes on."""

import pytest

from affectstream.analytics.turns import Words
from affectstream.dashboards.page import listening
from affectstream.dashboards.page.listening import Spoken
from affectstream.schemas.errors import InputError

SAID = [Words("customer", 0, 1000, "Good morning.")]


class Recorded:
    """A recording that may be damaged."""

    def __init__(self, damaged: bool = False) -> None:
        self.damaged, self.audited, self.reads = damaged, 0, 0

    async def words(self, session_id: str, again: bool) -> list[Words]:
        self.reads, self.audited = self.reads + 1, self.audited + (not again)
        if self.damaged:
            raise InputError("call.mcap: damaged")
        return SAID


async def test_a_call_that_is_over_is_read_once() -> None:
    recorded = Recorded()
    spoken = Spoken("call", recorded)  # type: ignore[arg-type]
    assert [await spoken.words(live=False) for _ in range(3)] == [SAID] * 3
    assert (recorded.reads, recorded.audited) == (1, 1)


async def test_a_call_that_goes_on_is_read_again_and_audited_once(monkeypatch: pytest.MonkeyPatch) -> None:
    recorded = Recorded()
    spoken = Spoken("call", recorded)  # type: ignore[arg-type]
    monkeypatch.setattr(listening, "AGAIN_S", -1.0)
    assert [await spoken.words(live=True) for _ in range(3)] == [SAID] * 3
    assert (recorded.reads, recorded.audited) == (3, 1)


async def test_a_damaged_recording_leaves_the_page_without_words() -> None:
    assert await Spoken("call", Recorded(damaged=True)).words(live=False) == []  # type: ignore[arg-type]
