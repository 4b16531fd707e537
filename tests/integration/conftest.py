"""A real Kafka (KRaft) and a real Redis, started once; each test has its own topics and an empty Redis."""

import itertools
import os
from collections.abc import Iterator

import pytest
from redis.asyncio import Redis
from support.kafka_server import JARS, KafkaServer

from affectstream.runtime.embedded import EmbeddedRedis
from affectstream.runtime.kafka import topics
from affectstream.runtime.settings import KafkaSettings, RedisSettings, Settings, load

_counter = itertools.count()


@pytest.fixture(scope="session")
def kafka_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaServer]:
    """The broker that all tests of the session share."""
    if not (JARS / ".complete").is_file():
        pytest.skip("no Kafka in .cache/kafka; `make kafka` fetches it")
    server = KafkaServer(tmp_path_factory.mktemp("kafka"))
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="session")
def redis_server() -> Iterator[EmbeddedRedis]:
    """The Redis that all tests of the session share."""
    with EmbeddedRedis() as server:
        yield server


@pytest.fixture
def topic_prefix() -> str:
    """A prefix of topics and groups that no other test has."""
    return f"t{os.getpid()}-{next(_counter)}."


@pytest.fixture
async def kafka(kafka_server: KafkaServer, topic_prefix: str) -> KafkaSettings:
    """The broker with this test's own topics, four partitions each."""
    settings = KafkaSettings(bootstrap=kafka_server.bootstrap, topic_prefix=topic_prefix)
    await topics.create(settings, replication=1)
    return settings


@pytest.fixture
async def redis(redis_server: EmbeddedRedis) -> RedisSettings:
    """The Redis, empty."""
    client = Redis.from_url(redis_server.url)
    await client.flushdb()
    await client.aclose()
    return RedisSettings(url=redis_server.url)


@pytest.fixture
def broker_settings(kafka: KafkaSettings, redis: RedisSettings) -> Settings:
    """All settings, with this test's broker, topics and Redis."""
    return load(
        kafka={"bootstrap": kafka.bootstrap, "topic_prefix": kafka.topic_prefix},
        redis={"url": redis.url},
    )
