"""The store when things go wrong: cut connections, restarts, refusals, a full server."""

import asyncio
import socket

import pytest
from pydantic import SecretStr
from redis.asyncio import Redis
from redis.exceptions import TimeoutError as RedisTimeout
from support.redis_panes import finals
from support.redis_server import secured_redis

from affectstream.runtime.embedded import EmbeddedRedis
from affectstream.runtime.redis_client import COMMAND_S, connect
from affectstream.runtime.redis_pipeline import Pipeline, exchange
from affectstream.runtime.settings import RedisSettings
from affectstream.runtime.store import FusedStore
from affectstream.schemas.errors import Unavailable

pytestmark = pytest.mark.integration


async def test_a_write_cut_off_at_any_command_leaves_whole_finals_only(redis):
    """Redis runs a transaction wholly or not at all; the connection is cut before it and after it."""
    async with FusedStore(redis) as store:
        await store.write(finals(1000))
        client = Redis.from_url(redis.url)
        await client.client_kill_filter(skipme=True, _type="normal")
        await store.write(finals(2000, 3000))  # on a new connection
        await client.aclose()
        found = await store.finals("s1", "customer")
    assert found == finals(1000, 2000, 3000)


async def test_a_redis_that_restarts_is_waited_for():
    with EmbeddedRedis() as first:
        port = int(first.url.rsplit(":", 1)[1].split("/")[0])
        store = FusedStore(RedisSettings(url=first.url), patient=True)
        await store.ping()
    second = EmbeddedRedis(port)
    writing = asyncio.create_task(store.write(finals(1000)))
    await asyncio.sleep(0)
    second.__enter__()
    try:
        await writing
        assert await store.position("s1", "customer") == 1000
    finally:
        await store.__aexit__(None, None, None)
        second.__exit__(None, None, None)


async def test_a_redis_that_does_not_answer_is_said_within_two_seconds():
    """It takes the connection, and that is all."""
    loop = asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0)) as mute:
        begun_s = loop.time()
        with pytest.raises(Unavailable, match="it does not answer"):
            async with FusedStore(RedisSettings(url=f"redis://127.0.0.1:{mute.getsockname()[1]}/0")):
                pass
        assert loop.time() - begun_s < 4


@pytest.mark.parametrize("patient", [False, True])
async def test_what_waits_for_redis_is_cancelled_at_once_at_any_moment(redis, patient):
    """`asyncio.wait_for` of Python 3.11 swallows a cancellation that comes as what it waits for ends."""
    client = connect(redis, patient)

    async def poll() -> None:
        while True:
            await client.ping()
            await exchange(client, Pipeline.of([("PING",)]))

    for steps in range(100):
        polling = asyncio.create_task(poll())
        for _ in range(steps):  # of the loop: a cancellation finds it in the middle of every step
            await asyncio.sleep(0)
        polling.cancel()
        async with asyncio.timeout(10):
            await asyncio.wait({polling})
        assert polling.cancelled(), steps
    await client.aclose()


async def test_a_redis_that_takes_nothing_in_is_said_within_two_seconds_of_a_large_write():
    """What is written fills the buffers of both ends, since nobody reads it."""
    loop = asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0)) as mute:
        client = connect(RedisSettings(url=f"redis://127.0.0.1:{mute.getsockname()[1]}/0"), patient=False)
        connection = client.connection_pool.make_connection()
        await connection._connect()
        begun_s = loop.time()
        with pytest.raises(RedisTimeout, match="writing"):
            await connection.send_packed_command(b"x" * 64_000_000, check_health=False)
        assert loop.time() - begun_s < 4
        assert not connection.is_connected
        assert connection.socket_timeout == COMMAND_S
        await client.aclose()


async def test_a_redis_that_is_not_there_is_said_plainly():
    with pytest.raises(Unavailable, match=r"redis://127\.0\.0\.1:1/0: it does not answer.*redis\.url"):
        async with FusedStore(RedisSettings(url="redis://127.0.0.1:1/0")):
            pass


async def test_a_full_redis_is_said_plainly_and_the_final_can_be_written_later(redis):
    client = Redis.from_url(redis.url)
    async with FusedStore(redis) as store:
        await client.config_set("maxmemory", 1)
        try:
            with pytest.raises(Unavailable, match="out of memory"):
                await store.write(finals(1000))
        finally:
            await client.config_set("maxmemory", 0)
            await client.aclose()
        await store.write(finals(1000))
        assert await store.position("s1", "customer") == 1000


async def test_a_wrong_password_is_said_plainly_and_not_repeated(tmp_path):
    with secured_redis(tmp_path) as server:
        async with FusedStore(server.settings("fusion")) as store:
            await store.write(finals(1000))
            assert await store.position("s1", "customer") == 1000
        wrong = server.settings("fusion").model_copy(update={"password": SecretStr("wrong-staple")})
        with pytest.raises(Unavailable, match=r"refuses redis\.username") as refused:
            await FusedStore(wrong).ping()
        assert "wrong-staple" not in str(refused.value)
