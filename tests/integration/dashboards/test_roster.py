"""The list of calls over a real Redis: parties that come late, panes that are evicted, calls sent again."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from support.redis_panes import finals

from affectstream.analytics.label import Display
from affectstream.dashboards.reader import Reader
from affectstream.dashboards.roster import IDLE_S, Roster
from affectstream.runtime.settings import RedisSettings
from affectstream.runtime.store import FusedStore
from affectstream.schemas import keys

pytestmark = pytest.mark.integration


class Listed:
    """A roster over a store, and the clock that it lives by."""

    def __init__(self, store: FusedStore) -> None:
        self.store = store
        self.now_s = 0.0
        self.roster = Roster(store, Reader(store, Display()), lambda: self.now_s)

    async def states(self, later_s: float = 1.0) -> dict[str, tuple[str, int]]:
        """The state and the end of each party of the session, after the clock has gone on."""
        self.now_s += later_s
        await self.roster.refresh()
        return {row.party: (row.state, row.end_ms) for row in self.roster.parties("s1")}


@pytest_asyncio.fixture
async def listed(redis: RedisSettings) -> AsyncIterator[Listed]:
    async with FusedStore(redis) as store:
        yield Listed(store)


async def test_a_party_is_listed_whose_first_window_comes_after_the_last_of_the_other(listed: Listed):
    await listed.store.write(finals(1000, 2000, 3000))
    assert await listed.states() == {"customer": ("live", 3000)}
    await listed.store.write(finals(1000, 2000, party="agent"))  # of the same ten seconds
    assert await listed.states() == {"customer": ("live", 3000), "agent": ("live", 2000)}


async def test_a_party_is_listed_that_comes_after_the_other_was_counted_as_ended(listed: Listed):
    await listed.store.write(finals(1000, 2000, 3000))
    await listed.states()
    await listed.states(later_s=IDLE_S - 1)
    await listed.store.write(finals(1000, party="agent"))
    assert "agent" in await listed.states()


async def test_a_call_whose_newest_panes_were_evicted_stays_as_it_is_and_ends(listed: Listed):
    await listed.store.write(finals(1000, 2000))
    await listed.store.pipelined([("DEL", keys.latest("s1", "customer"))])
    assert await listed.states() == {"customer": ("live", 2000)}
    version = listed.roster.version
    assert await listed.states() == {"customer": ("live", 2000)}
    assert listed.roster.version == version
    assert await listed.states(later_s=IDLE_S) == {"customer": ("ended", 2000)}


async def test_a_call_that_is_sent_again_is_listed_as_it_goes_on_now(listed: Listed):
    await listed.store.write([*finals(*range(1000, 31_000, 1000)), *finals(30_000, party="agent")])
    await listed.states()
    assert {state for state, _ in (await listed.states(later_s=2 * IDLE_S)).values()} == {"ended"}
    seen = listed.roster.version
    await listed.store.begin_runs([("s1", "again")])
    await listed.store.write(finals(1000, 2000))
    assert await listed.states() == {"customer": ("live", 2000)}
    rows, gone = listed.roster.since(seen)
    assert ([row.party for row in rows], gone) == (["customer"], ["s1"])
