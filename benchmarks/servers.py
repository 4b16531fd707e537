"""Broker and Redis in processes of their own, so that a figure is of the process that it names."""

import asyncio
import base64
import os
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from confluent_kafka import Producer

from affectstream.runtime.embedded import EmbeddedRedis
from affectstream.runtime.kafka import topics
from affectstream.runtime.process import die_with_parent, free_port
from affectstream.runtime.settings import KafkaSettings, Settings
from affectstream.schemas.errors import Unavailable
from affectstream.schemas.topics import PROBABILITIES
from benchmarks.workload import PARTITIONS, START_MS, Record

JARS = Path(".cache") / "kafka"
JAVA = ["java", "-XX:TieredStopAtLevel=1", "-cp", f"{JARS}/*"]
START_S = 180  # on a busy machine
BUFFER_KB = 800_000  # of the producer that writes the log
TICKS = os.sysconf("SC_CLK_TCK")
PROPERTIES = """
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs={folder}/data
auto.create.topics.enable=false
num.network.threads=2
num.io.threads=2
background.threads=2
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
group.initial.rebalance.delay.ms=0
"""


@dataclass(frozen=True)
class Servers:
    """Where the servers are, and their processes."""

    bootstrap: str
    redis_url: str
    pids: dict[str, int]

    def cpu_s(self, name: str) -> float:
        """Return the processor time that a server has taken so far."""
        return cpu_s(self.pids[name])

    def settings(self, settings: Settings) -> Settings:
        """Return the settings of a system on these servers that raises no alerts."""
        return settings.model_copy(
            update={
                "kafka": settings.kafka.model_copy(update={"bootstrap": self.bootstrap}),
                "redis": settings.redis.model_copy(update={"url": self.redis_url}),
                "alerts": settings.alerts.model_copy(update={"enabled": False}),
            }
        )


def cpu_s(pid: int) -> float:
    """Return the processor time of a process, all its threads together."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


@contextmanager
def running() -> Iterator[Servers]:
    """Run both servers, empty."""
    with tempfile.TemporaryDirectory(prefix="affect-bench-") as folder, EmbeddedRedis() as redis:
        assert redis.process is not None
        kafka = Kafka(Path(folder))
        try:
            kafka.start()
            yield Servers(
                kafka.bootstrap, redis.url, {"broker": kafka.process.pid, "redis": redis.process.pid}
            )
        finally:
            kafka.process.kill()
            kafka.process.wait()


class Kafka:
    """A broker in KRaft mode from the jars of `make kafka`, with few threads for a small machine."""

    def __init__(self, folder: Path) -> None:
        if not (JARS / ".complete").is_file():
            raise Unavailable("no Kafka in .cache/kafka; `make kafka` fetches it")
        port = free_port()
        self.bootstrap = f"127.0.0.1:{port}"
        self._log = folder / "broker.log"
        self._properties = folder / "server.properties"
        self._properties.write_text(
            PROPERTIES.format(port=port, controller=free_port(), folder=folder), encoding="utf-8"
        )

    def start(self) -> None:
        """Return once the broker answers; raises Unavailable."""
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        tool = ["kafka.tools.StorageTool", "format", f"--cluster-id={cluster}", "-c", str(self._properties)]
        subprocess.run([*JAVA, *tool], check=True, capture_output=True)
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [*JAVA, "-Xmx512m", "kafka.Kafka", str(self._properties)],
                stdout=log,
                stderr=log,
                preexec_fn=die_with_parent,
            )
        deadline = time.monotonic() + START_S
        while b"Kafka Server started" not in self._log.read_bytes():
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise Unavailable(f"Kafka did not start: {self._log.read_text(errors='replace')[-500:]}")
            time.sleep(0.05)


def preload(bootstrap: str, records: Sequence[Record], topic: str = PROBABILITIES.name) -> None:
    """Create the topics and write the log."""
    asyncio.run(topics.create(KafkaSettings(bootstrap=bootstrap), PARTITIONS, replication=1))
    buffer = {"queue.buffering.max.messages": len(records) + 1, "queue.buffering.max.kbytes": BUFFER_KB}
    ordered = {
        "enable.idempotence": True,
        "linger.ms": 50,
        "batch.size": 60_000,
    }  # a batch tried again would come after the next
    producer = Producer({"bootstrap.servers": bootstrap, **ordered, **buffer})
    failed: list[str] = []

    def delivered(error: object, _: object) -> None:
        if error is not None:
            failed.append(str(error))

    for partition, key, value in records:
        producer.produce(topic, value, key, partition, on_delivery=delivered, timestamp=START_MS)
    left = producer.flush(60)
    if left or failed:
        raise Unavailable(f"{left + len(failed)} records were not taken by the broker: {failed[:1]}")
