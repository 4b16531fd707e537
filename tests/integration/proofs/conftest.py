"""Whole systems on the session's Kafka and Redis: one that the short proofs share, or one of a test's own."""

import asyncio
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from support.kafka_server import KafkaServer
from support.system import System, running

from affectstream.runtime.embedded import EmbeddedRedis
from affectstream.runtime.kafka import topics
from affectstream.runtime.settings import Settings, load


@pytest.fixture(scope="package")
def system(
    kafka_server: KafkaServer, redis_server: EmbeddedRedis, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[System]:
    """One worker per modality and the fusion, on topics and a database that no other test clears."""
    kafka = {"bootstrap": kafka_server.bootstrap, "topic_prefix": f"proofs{os.getpid()}."}
    settings = load(kafka=kafka, redis={"url": f"{redis_server.url}/1"})
    asyncio.run(topics.create(settings.kafka, replication=1))
    with running(settings, 1, tmp_path_factory.mktemp("logs")) as shared:
        yield shared


@pytest.fixture
def start(broker_settings: Settings, tmp_path: Path) -> Callable[[int], AbstractContextManager[System]]:
    """Start a system with so many workers per modality on this test's own topics and database."""
    return lambda workers: running(broker_settings, workers, tmp_path / "logs")
