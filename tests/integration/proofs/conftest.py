"""Whole systems on real servers: one that the short proofs share, or one of a test's own.

The processes of the shared one come by TLS, each as a user who may do what it needs and nothing else: what is
proved with it is proved under access control.
"""

import asyncio
import dataclasses
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from support.kafka_server import KafkaServer
from support.redis_server import SecuredRedis, secured_redis
from support.system import System, running

from affectstream.processes import Child
from affectstream.runtime.kafka import topics
from affectstream.runtime.settings import KafkaSettings, Settings, as_env, load
from affectstream.schemas import access


@pytest.fixture(scope="package")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredRedis]:
    """A Redis with a user for each process."""
    with secured_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="package")
def system(
    kafka_server: KafkaServer, secured: SecuredRedis, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[System]:
    """One worker per modality, fusion and alerts, on topics and a Redis that no other test clears."""
    kafka = KafkaSettings(bootstrap=kafka_server.bootstrap, topic_prefix=f"proofs{os.getpid()}.")
    everything = {"kafka": kafka, "redis": secured.settings("operator")}  # the test's own hands
    settings = load().model_copy(update=everything)

    def as_its_user(child: Child) -> Child:
        user = child.name if child.name in ("fusion", "alerts") else "worker"
        own = {
            "kafka": kafka_server.secured(f"affect-{child.name}", kafka.topic_prefix),
            "redis": secured.settings(user),
        }
        env = as_env(settings.model_copy(update=own))
        theirs = {name: env[name] for name in env if name.startswith(("AFFECT_KAFKA", "AFFECT_REDIS"))}
        return dataclasses.replace(child, env={**child.env, **theirs})

    asyncio.run(topics.create(settings.kafka, replication=1))
    asyncio.run(topics.allow(settings.kafka, access.rules(kafka.topic_prefix)))
    with running(settings, 1, tmp_path_factory.mktemp("logs"), as_its_user) as shared:
        yield shared


@pytest.fixture
def start(broker_settings: Settings, tmp_path: Path) -> Callable[[int], AbstractContextManager[System]]:
    """Start a system with so many workers per modality on this test's own topics and database."""
    return lambda workers: running(broker_settings, workers, tmp_path / "logs")
