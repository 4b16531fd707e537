"""The store on a real Redis: written once, read by sessions, gone when asked."""

import json

import pytest
from redis.asyncio import Redis
from support.redis_panes import finals, fused

from affectstream.runtime import fused_writer
from affectstream.runtime.fused_writer import CHUNK
from affectstream.runtime.settings import RedisSettings
from affectstream.runtime.store import FusedStore, Newest, Session, Span
from affectstream.schemas import keys
from affectstream.schemas.codec import EncodedPane, encode

pytestmark = pytest.mark.integration


async def everything(redis: RedisSettings) -> dict[str, object]:
    """All that lies in Redis."""
    client = Redis.from_url(redis.url, protocol=2)
    read = {b"stream": client.xrange, b"hash": client.hgetall}
    found: dict[str, object] = {}
    for key in sorted(await client.keys()):
        kind = await client.type(key)
        found[key.decode()] = (
            await read[kind](key) if kind in read else await client.zrange(key, 0, -1, withscores=True)
        )
    await client.aclose()
    return found


async def test_a_session_is_read_back_as_it_was_written(redis):
    panes = finals(2000, 3000, 4000) + finals(3000, party="agent")
    async with FusedStore(redis) as store:
        await store.write(panes)
        assert await store.finals("s1", "customer") == panes[:3]
        assert await store.position("s1", "customer") == 4000
        assert await store.position("s1", "other") is None
        assert await store.latest("s1", "customer") == panes[2]
        spans = {"customer": Span(2000, 4000), "agent": Span(3000, 3000)}
        assert await store.session("s1") == Session("s1", spans)
        assert await store.session("nobody") is None
        assert await store.latest("nobody", "customer") is None


async def test_finals_are_paged_by_the_ends_of_their_windows(redis):
    async with FusedStore(redis) as store:
        await store.write(finals(*range(1000, 11_000, 1000)))
        page = await store.finals("s1", "customer", start_ms=2000, end_ms=6000, limit=3)
        assert [pane.end_ms for pane in page] == [3000, 4000, 5000]
        page = await store.finals("s1", "customer", start_ms=page[-1].end_ms, end_ms=6000, limit=3)
        assert [pane.end_ms for pane in page] == [6000]


async def test_what_is_known_of_a_party_without_panes_is_dropped_and_asked_for_where_it_goes_on(
    redis, monkeypatch
):
    monkeypatch.setattr(fused_writer, "KEPT_S", -1.0)  # every write is in a time of its own
    panes = finals(1000, 2000, 3000, 4000)
    async with FusedStore(redis) as store:
        for pane in panes[:3]:
            await store.write([pane])
        for party in ("agent", "other"):
            await store.write(finals(3000, party=party))
        writer = store.writer
        assert ("s1", "customer") not in writer._known | writer._before
        await store.write([panes[3]])
        assert await store.finals("s1", "customer") == panes


async def test_writing_again_in_any_batching_changes_nothing(redis):
    panes = finals(*range(1000, 9000, 1000))
    async with FusedStore(redis) as store:
        await store.write(panes)
    before = await everything(redis)
    async with FusedStore(redis) as store:  # as after a restart, knowing nothing
        await store.write(panes[2:5])
        await store.write(panes)
        for pane in panes:
            await store.write([pane])
    assert await everything(redis) == before


async def test_a_batch_that_is_part_old_and_part_new_adds_the_new(redis):
    async with FusedStore(redis) as store:
        await store.write(finals(1000, 2000))
    async with FusedStore(redis) as store:
        await store.write(finals(1000, 2000, 3000, 4000))
        assert [pane.end_ms for pane in await store.finals("s1", "customer")] == [1000, 2000, 3000, 4000]


async def test_a_final_older_than_the_newest_that_was_never_written_is_not_invented(redis):
    async with FusedStore(redis) as store:
        await store.write(finals(1000, 3000))
        await store.write(finals(2000))
        assert [pane.end_ms for pane in await store.finals("s1", "customer")] == [1000, 3000]
        assert (await store.latest("s1", "customer")).end_ms == 3000


async def test_latest_never_goes_back_and_a_final_replaces_its_early_pane(redis):
    async with FusedStore(redis) as store:
        await store.write([fused(5000, "early")])
        assert await store.session("s1") is None
        await store.write(finals(3000))
        assert await store.latest("s1", "customer") == fused(5000, "early")
        await store.write([fused(5000)])
        assert await store.latest("s1", "customer") == fused(5000)
    async with FusedStore(redis) as store:
        await store.write([fused(4000, "early"), fused(5000, "early")])
        assert await store.latest("s1", "customer") == fused(5000)


async def test_more_than_one_round_trips_worth_is_written(redis):
    panes = finals(*range(1000, (2 * CHUNK + 11) * 1000, 1000))
    async with FusedStore(redis) as store:
        await store.write(panes)
        assert await store.finals("s1", "customer") == panes


async def test_every_key_expires(redis):
    settings = redis.model_copy(update={"ttl_s": 600})
    async with FusedStore(settings) as store:
        await store.write([*finals(1000), fused(2000, "early")])
        await store.set_trust({"video": 0.5})
    client = Redis.from_url(redis.url, decode_responses=True)
    lifetimes = {key: await client.ttl(key) for key in await client.keys()}
    await client.aclose()
    assert len(lifetimes) == 6
    assert all(590 <= left <= 600 for left in lifetimes.values())


async def test_keys_of_a_session_that_goes_on_live_longer(redis):
    settings = redis.model_copy(update={"ttl_s": 600})
    client = Redis.from_url(redis.url)
    async with FusedStore(settings) as store:
        await store.write(finals(1000))
        for key in await client.keys():
            await client.expire(key, 100)
        await store.write(finals(2000))
        assert {await client.ttl(key) for key in await client.keys()} <= {99, 100}
        await store.write(finals(3000, 12_000))  # a new entry of the index
        assert {await client.ttl(key) for key in await client.keys()} <= {599, 600}
    await client.aclose()


async def test_sessions_are_indexed_every_ten_seconds_and_their_spans_exact(redis):
    client = Redis.from_url(redis.url)
    async with FusedStore(redis) as store:
        for end_ms in range(1000, 26_000, 1000):
            await store.write(finals(end_ms))
        assert await client.zscore(keys.SESSIONS, "s1") == 20_000
        assert await store.sessions() == [Session("s1", {"customer": Span(1000, 25_000)})]
        assert await store.session("s1") == Session("s1", {"customer": Span(1000, 25_000)})
    await client.aclose()


async def test_an_entry_is_the_bytes_of_the_topic(redis):
    pane = fused(1000)
    async with FusedStore(redis) as store:
        await store.writer.write([EncodedPane("s1", "customer", 0, 1000, "final", encode(pane))])
        assert await store.finals("s1", "customer") == [pane]
    found = await everything(redis)
    assert found[keys.finals("s1", "customer")] == [(b"1000-0", {b"detail": encode(pane)})]
    assert found[keys.latest("s1", "customer")] == {
        b"pane": b"final",
        b"end_ms": b"1000",
        b"detail": encode(pane),
    }


async def test_entries_of_before_in_json_are_read_and_gone_on_from(redis):
    """Version 0.x wrote JSON and fields per emotion."""
    json_pane = json.dumps(fused(1000).model_dump(mode="json", by_alias=True))
    client = Redis.from_url(redis.url)
    await client.xadd(keys.finals("s1", "customer"), {"sad": "0.3", "detail": json_pane}, id="1000-0")
    await client.hset(keys.session("s1"), "customer", '{"first": 1000, "last": 1000}')
    newest = {"pane": "final", "end_ms": "1000", "detail": json_pane}
    await client.hset(keys.latest("s1", "customer"), mapping=newest)
    await client.aclose()
    async with FusedStore(redis) as store:
        assert await store.newest("s1", "customer") == Newest(1000, fused(1000))
        assert await store.latest("s1", "customer") == fused(1000)
        await store.write(finals(1000, 2000))
        assert await store.finals("s1", "customer") == finals(1000, 2000)
        assert await store.session("s1") == Session("s1", {"customer": Span(1000, 2000)})


async def test_sessions_come_newest_first_and_expired_ones_are_forgotten(redis):
    async with FusedStore(redis) as store:
        for n in range(1, 8):
            await store.write(finals(n * 1000, sid=f"s{n}"))
        client = Redis.from_url(redis.url)
        await client.delete(keys.finals("s7", "customer"), keys.finals("s5", "customer"))
        assert [s.session_id for s in await store.sessions(limit=3)] == ["s6", "s4", "s3"]
        assert [s.session_id for s in await store.sessions()] == ["s6", "s4", "s3", "s2", "s1"]
        assert await client.zcard(keys.SESSIONS) == 5
        await client.aclose()


async def test_purging_a_session_leaves_nothing_of_it(redis):
    async with FusedStore(redis) as store:
        await store.write([*finals(1000), *finals(1000, party="agent"), *finals(1000, sid="s2")])
        other = await everything(redis)
        assert await store.purge("s1") == 5
        left = await everything(redis)
        assert not any("{s1}" in key for key in left)
        assert [s.session_id for s in await store.sessions()] == ["s2"]
        assert left[keys.finals("s2", "customer")] == other[keys.finals("s2", "customer")]
        assert await store.purge("s1") == 0
        await store.write(finals(5000))
        assert (await store.session("s1")).parties == {"customer": Span(5000, 5000)}


async def test_a_session_purged_by_somebody_else_while_it_goes_on_expires_all_the_same(redis):
    """The writer does not know; a stream it did not begin itself, it would leave for ever."""
    async with FusedStore(redis) as writing, FusedStore(redis) as other:
        await writing.write(finals(1000, 2000))
        await other.purge("s1")
        await writing.write([*finals(3000, 4000), *finals(3000, sid="s2")])
        assert (await other.session("s1")).parties == {"customer": Span(3000, 4000)}
        await other.purge("s1")
        await writing.write([fused(5000, "early")])
        await writing.write(finals(5000))
        assert (await other.session("s1")).parties == {"customer": Span(5000, 5000)}
    client = Redis.from_url(redis.url)
    assert all([await client.ttl(key) > 0 for key in await client.keys()])
    await client.aclose()


async def test_the_newest_final_comes_back_whole_and_an_unreadable_one_by_its_end(redis):
    async with FusedStore(redis) as store:
        assert await store.newest("s1", "customer") is None
        await store.write([*finals(1000, 2000), fused(3000, "early")])
        assert await store.newest("s1", "customer") == Newest(2000, fused(2000))
        client = Redis.from_url(redis.url)
        await client.xadd(keys.finals("s1", "customer"), {"detail": "{"}, id="9000-0")
        assert await store.newest("s1", "customer") == Newest(9000, None)
        await client.aclose()
