"""The journal of calls on a real Redis: taken once, known to be taken; lost data is no taking."""

import asyncio

import pytest
from redis.asyncio import Redis

from affectstream.runtime.journal import Journal, Place
from affectstream.runtime.settings import RedisSettings
from affectstream.schemas import keys
from affectstream.schemas.errors import Unavailable

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]


async def test_a_call_is_found_and_taken_once_and_its_process_learns_of_it(redis):
    async with Journal(redis) as old, Journal(redis) as new, Journal(redis) as third:
        assert await asyncio.gather(old.write("call", "1"), old.write("other", "1")) == [True, True]
        assert await old.write("call", "2") and await old.find(["call"]) is None  # its own
        place = await new.find(["unknown", "call"])
        assert place == Place(old.owner, "call") and await new.alive(old.owner)
        both = await asyncio.gather(new.take(place), third.take(place))
        assert sorted(both, key=str) == ["2", None]
        assert await new.write("call", "3")
        written = await asyncio.gather(old.write("call", "4"), old.write("other", "4"))
        assert written == [False, True]
        assert await third.find(["call"]) == Place(new.owner, "call")
        await new.forget("call")
        assert await third.find(["call"]) is None


async def test_a_redis_that_lost_its_data_takes_no_call_from_anybody(redis):
    async with Journal(redis) as journal, Redis.from_url(redis.url) as client:
        assert await journal.write("call", "1")
        await client.flushdb()
        assert await journal.write("call", "2")


async def test_the_calls_of_a_dead_process_are_found_and_one_that_ends_in_order_leaves_nothing(redis):
    async with Redis.from_url(redis.url) as client:
        async with Journal(redis) as living:
            died = Journal(redis)
            await died._beat()
            assert await died.write("call", "1")
            assert await living.dead() == {}
            while not (dead := await living.dead()):
                await asyncio.sleep(0.05)
            assert dead == {died.owner: [Place(died.owner, "call")]}
            assert await living.take(dead[died.owner][0]) == "1"
            await living.bury(died.owner)
            assert await living.dead() == {}
            await died._redis.aclose()
        assert [key for key in await client.keys("affect:handover:*") if b":taken:" not in key] == []


async def test_a_call_does_not_wait_for_a_redis_that_is_away():
    async with Journal(RedisSettings(url="redis://127.0.0.1:1/0")) as journal:
        for _ in range(2):  # the second is not tried
            with pytest.raises(Unavailable):
                await journal.write("call", "1")


async def test_what_is_written_is_in_redis_before_it_returns_and_many_calls_go_in_few_commands(redis):
    async with Journal(redis) as journal, Redis.from_url(redis.url, decode_responses=True) as client:
        assert await journal.write("first", "0")
        before = await commands(client)

        async def noted(number):
            for _ in range(number):
                await asyncio.sleep(0)  # calls write at moments of their own
            for state in ("1", "2"):
                assert await journal.write(f"call-{number}", state)
                assert await client.hget(keys.handover_calls(journal.owner), f"call-{number}") == state

        await asyncio.gather(*map(noted, range(50)))
        assert 2 <= await commands(client) - before < 50


async def commands(client):
    return (await client.info("commandstats"))["cmdstat_hset"]["calls"]


async def test_a_call_waits_for_a_redis_that_is_slow_no_longer_than_it_may(monkeypatch):
    monkeypatch.setattr("affectstream.runtime.journal.WAIT_S", 0.05)
    accepted = []

    async def accept(reader, writer):
        accepted.append(writer)

    async with await asyncio.start_server(accept, "127.0.0.1", 0) as silent:
        port = silent.sockets[0].getsockname()[1]
        journal = Journal(RedisSettings(url=f"redis://127.0.0.1:{port}/0"))
        writes = [journal.write(name, "1") for name in ("a", "b")]
        found = await asyncio.gather(*writes, return_exceptions=True)
        assert [str(error) for error in found] == ["the journal of calls is slow"] * 2
        journal._flushing.cancel()
        await asyncio.wait([journal._flushing])
        await journal._redis.aclose()
        for writer in accepted:
            writer.close()
            await writer.wait_closed()
