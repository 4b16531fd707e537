"""Readers of Redis where something else has written, evicted or deleted: each entry stands alone."""

import pytest
from redis.asyncio import Redis
from support.redis_panes import finals, fused

from affectstream.runtime.store import FusedStore
from affectstream.schemas import keys

pytestmark = pytest.mark.integration


@pytest.fixture
async def foreign(redis):
    """A client that writes what it likes."""
    client = Redis.from_url(redis.url)
    yield client
    await client.aclose()


async def test_a_hash_of_somebody_elses_does_not_hide_the_other_sessions(redis, foreign):
    async with FusedStore(redis) as store:
        await store.write(finals(1000, 2000))
        await foreign.hset(keys.session("x"), "customer", '{"x":1}')
        await foreign.hset(keys.session("s1"), "customer", "no JSON")
        await foreign.set(keys.finals("y", "customer"), "a string")
        await foreign.zadd(keys.SESSIONS, {"x": 9_999_999_999_999, "y": 9_999_999_999_998})
        (listed,) = await store.sessions()
        assert (listed.session_id, listed.parties["customer"].first_end_ms) == ("s1", 1000)
        assert await store.session("x") is None
        assert await store.session("y") is None


async def test_entries_that_cannot_be_read_are_left_out_of_a_page_and_the_page_is_full(redis, foreign):
    async with FusedStore(redis) as store:
        await store.write(finals(1000, 2000))
        await foreign.xadd(keys.finals("s1", "customer"), {"something": "else"}, id="3000-0")
        await foreign.xadd(keys.finals("s1", "customer"), {"detail": "not a window"}, id="4000-0")
        await store.write(finals(5000, 6000))
        assert [w.end_ms for w in await store.finals("s1", "customer")] == [1000, 2000, 5000, 6000]
        page = await store.finals("s1", "customer", start_ms=1000, limit=2)
        assert [w.end_ms for w in page] == [2000, 5000]


async def test_a_pane_that_was_evicted_or_replaced_is_the_newest_final(redis, foreign):
    async with FusedStore(redis) as store:
        await store.write([*finals(1000, 2000), fused(3000, "early")])
        latest = keys.latest("s1", "customer")
        assert (await store.latest("s1", "customer")).end_ms == 3000
        for spoil in (foreign.delete(latest), foreign.hset(latest, "detail", "x"), foreign.set(latest, "x")):
            await spoil
            assert (await store.latest("s1", "customer")).end_ms == 2000
        assert await store.latest("s1", "agent") is None


async def test_a_session_whose_index_entry_was_evicted_is_still_one(redis, foreign):
    async with FusedStore(redis) as store:
        await store.write(finals(1000, 2000))
        await foreign.delete(keys.session("s1"))
        assert [found.session_id for found in await store.sessions()] == ["s1"]


async def test_an_alert_that_cannot_be_read_is_left_out(redis, foreign):
    async with FusedStore(redis) as store:
        await foreign.hset(keys.alerts("s1"), "r/begin", "{}")
        assert await store.alerts("s1") == []
