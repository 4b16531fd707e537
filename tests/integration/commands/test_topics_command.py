"""The operator's commands on an empty Kafka, with and without topics that the broker creates by itself."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from support import syllables
from support.kafka_server import KafkaServer

from affectstream import cli
from affectstream.schemas.topics import ALL, PARTITIONS

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

NAMES = {topic.name for topic in ALL}
AT_ONCE_S = 30.0  # python, its imports and a connection on a busy machine; a client's own patience is 120 s


@dataclass(frozen=True)
class Ended:
    """How a command has ended, and what it printed."""

    code: int
    out: str
    err: str


@pytest.fixture
def run(
    broker: KafkaServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Ended]:
    """Run a command of the user's against the broker, in this process."""
    monkeypatch.setenv("AFFECT_KAFKA__BOOTSTRAP", broker.bootstrap)
    monkeypatch.setenv("COLUMNS", "250")

    def ran(*command: str) -> Ended:
        capsys.readouterr()
        code: object = 0
        try:
            cli.main(list(command))
        except SystemExit as end:
            code = end.code or 0
        assert isinstance(code, int)
        return Ended(code, *capsys.readouterr())

    return ran


def found(broker: KafkaServer) -> dict[str, int]:
    """The topics that are there, with their partitions."""

    async def ask() -> dict[str, int]:
        admin = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap)
        await admin.start()
        entries = await admin.describe_topics()
        await admin.close()
        return {entry["topic"]: len(entry["partitions"]) for entry in entries}

    return {name: count for name, count in asyncio.run(ask()).items() if name in NAMES}


def test_topics_are_created_by_create_and_by_nothing_else(
    broker: KafkaServer, run: Callable[..., Ended], tmp_path: Path
) -> None:
    recording = syllables.write(tmp_path / "voice.wav", 2.0)
    listed = run("topics", "list")
    assert listed.code == 0
    assert listed.out.count("absent") == len(NAMES)
    assert "topics create" in run("doctor").out
    began = time.monotonic()
    replayed = run("replay", str(recording))
    assert time.monotonic() - began < AT_ONCE_S
    assert replayed.code == 2
    assert "affectstream topics create" in replayed.err
    assert found(broker) == {}

    assert run("topics", "create").code == 0
    assert found(broker) == dict.fromkeys(NAMES, PARTITIONS)
    again = run("topics", "create")
    assert (again.code, again.out.count("absent")) == (0, 0)
    assert "affect.fused (4)" in run("doctor").out
