"""One system on three brokers and a Redis of its own, which all tests of faults share."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest
from support.faulty import Faulty, supervised
from support.kafka_cluster import three_brokers
from support.kafka_server import JARS
from support.lasting_redis import RedisServer
from support.proxy import Proxy
from support.system import running

from affectstream.runtime.kafka import topics
from affectstream.runtime.settings import Settings, load

STUCK_S = 20


@pytest.fixture(scope="session")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Faulty]:
    """A worker per modality and the fusion, behind proxies, which the test itself goes around."""
    if not (JARS / ".complete").is_file():
        pytest.skip("no Kafka in .cache/kafka; `make kafka` fetches it")
    folder = tmp_path_factory.mktemp("faults")
    with ExitStack() as exits:
        cluster = exits.enter_context(three_brokers(folder))
        redis = RedisServer(folder / "redis")
        exits.callback(redis.kill)
        redis.start()
        proxy = exits.enter_context(Proxy(redis.port))
        direct = settings(cluster.direct, redis.port)
        asyncio.run(topics.create(direct.kafka, replication=3))
        behind = settings(cluster.bootstrap, proxy.port)
        system = exits.enter_context(running(behind, 1, folder / "logs"))
        supervisor = exits.enter_context(supervised(system.children))
        seen = replace(
            system, settings=system.settings.model_copy(update={"kafka": direct.kafka, "redis": direct.redis})
        )
        yield Faulty(seen, cluster, redis, proxy, supervisor)


def settings(bootstrap: str, redis_port: int) -> Settings:
    """Settings with these servers."""
    kafka = {"bootstrap": bootstrap, "topic_prefix": "faults.", "stuck_s": STUCK_S}
    return load(kafka=kafka, redis={"url": f"redis://127.0.0.1:{redis_port}/0"})
