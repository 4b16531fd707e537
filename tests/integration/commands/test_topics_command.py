"""The operator's commands on an empty Kafka, with and without topics that the broker creates by itself."""

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from support import syllables
from support.kafka_server import KafkaServer

from affectstream.schemas.topics import ALL, PARTITIONS

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

NAMES = {topic.name for topic in ALL}
AT_ONCE_S = 30.0  # python, its imports and a connection on a busy machine; a client's own patience is 120 s


def run(broker: KafkaServer, *command: str) -> subprocess.CompletedProcess[str]:
    """A command of the user's against the broker."""
    env = {**os.environ, "AFFECT_KAFKA__BOOTSTRAP": broker.bootstrap, "COLUMNS": "250"}
    line = [str(Path(sys.executable).parent / "affectstream"), *command]
    done = subprocess.run(line, env=env, capture_output=True, text=True, timeout=120)
    assert "Traceback" not in done.stderr, done.stderr
    return done


def found(broker: KafkaServer) -> dict[str, int]:
    """The topics that are there, with their partitions."""

    async def ask() -> dict[str, int]:
        admin = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap)
        await admin.start()
        entries = await admin.describe_topics()
        await admin.close()
        return {entry["topic"]: len(entry["partitions"]) for entry in entries}

    return {name: count for name, count in asyncio.run(ask()).items() if name in NAMES}


def test_topics_are_created_by_create_and_by_nothing_else(broker: KafkaServer, tmp_path: Path) -> None:
    recording = syllables.write(tmp_path / "voice.wav", 2.0)
    listed = run(broker, "topics", "list")
    assert listed.returncode == 0
    assert listed.stdout.count("absent") == len(NAMES)
    assert "topics create" in run(broker, "doctor").stdout
    began = time.monotonic()
    replayed = run(broker, "replay", str(recording))
    assert time.monotonic() - began < AT_ONCE_S
    assert replayed.returncode == 2
    assert "affectstream topics create" in replayed.stderr
    assert found(broker) == {}

    assert run(broker, "topics", "create").returncode == 0
    assert found(broker) == dict.fromkeys(NAMES, PARTITIONS)
    again = run(broker, "topics", "create")
    assert (again.returncode, again.stdout.count("absent")) == (0, 0)
    assert "affect.fused (4)" in run(broker, "doctor").stdout
