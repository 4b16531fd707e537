"""The store when things go wrong: cut connections, restarts, refusals, a full server."""

import asyncio
import shutil
import socket
import subprocess
from pathlib import Path

import pytest
from redis.asyncio import Redis
from support.kafka_server import certificate, free_ports, wait_until
from support.redis_panes import finals

from affectstream.runtime.embedded import EmbeddedRedis
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


async def test_tls_and_an_access_control_list_are_passed_on(tmp_path):
    binary = shutil.which("redis-server")
    if binary is None:
        pytest.skip("no redis-server with TLS on the PATH")
    server, settings = secured(binary, tmp_path)
    try:
        wait_until(lambda: (tmp_path / "redis.sock").exists(), 10, "redis-server to start")
        async with FusedStore(settings) as store:
            await store.write(finals(1000))
            assert await store.position("s1", "customer") == 1000
        wrong = settings.model_copy(update={"password": RedisSettings(password="wrong").password})
        with pytest.raises(Unavailable, match=r"refuses redis\.username") as refused:
            await FusedStore(wrong).ping()
        assert "wrong" not in str(refused.value)
    finally:
        server.kill()
        server.wait()


def secured(binary: str, folder: Path) -> tuple["subprocess.Popen[bytes]", RedisSettings]:
    """A redis-server that speaks TLS only and lets one user do what the fusion agent needs."""
    certificate(folder)
    (folder / "redis.conf").write_text(
        f"""
port 0
tls-port 0
unixsocket {folder}/redis.sock
save ""
user default off
user fusion on >hush ~affect:* +@read +@write +@transaction +@connection
"""
    )
    (port,) = free_ports(1)
    tls = ["--tls-port", str(port), "--tls-cert-file", "ca.pem", "--tls-key-file", "key.pem"]
    server = subprocess.Popen(
        [binary, "redis.conf", *tls, "--tls-ca-cert-file", "ca.pem", "--tls-auth-clients", "no"],
        cwd=folder,
        stdout=subprocess.DEVNULL,
    )
    return server, RedisSettings(
        url=f"rediss://127.0.0.1:{port}/0", username="fusion", password="hush", ca_file=folder / "ca.pem"
    )
