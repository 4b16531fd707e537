"""A supervised system on three brokers and a Redis of its own, and what must hold after every fault."""

import asyncio
import os
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

from support.kafka_cluster import KafkaCluster
from support.kafka_server import wait_until
from support.lasting_redis import RedisServer
from support.proxy import Proxy
from support.system import System, expected_lines, lines, short_demo, without_holes

from affectstream.export import in_order
from affectstream.processes import Children
from affectstream.runtime.kafka.lag import LagMeter
from affectstream.runtime.kafka.record import history
from affectstream.schemas.codec import decoder
from affectstream.schemas.messages import FusedEmotion
from affectstream.schemas.topics import FUSED, MEDIA, PROBABILITIES

READERS = [(topic.name, topic.group) for topic in (*MEDIA.values(), PROBABILITIES)]
SECONDS, SPEED = 16, 2.0  # of a call, and how fast it is played
SETTLE_S = 120
NEVER = (  # series that stay at zero whatever fails
    "affect_records_lost_total",
    "affect_dead_letters_total",
    "affect_late_observations_total",
    'affect_stored_finals_total{outcome="out_of_order"}',
)
RSS_GROWTH = 1.5  # over what a process had after its first call
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class Supervisor:
    """Starts whatever ends again, as Compose does, and keeps the codes with which processes ended."""

    def __init__(self, children: Children) -> None:
        self.children = children
        self.ended: list[tuple[str, int]] = []
        self._over = Event()

    def run(self) -> None:
        """Watch until ``stop``; in a thread that lives as long as the system."""
        while not self._over.wait(0.2):
            for name, child in self.children.children.items():
                code = child.process.poll() if child.process else None
                if code is not None:
                    self.ended.append((name, code))
                    self.children.start(name)

    def stop(self) -> None:
        """Watch no more."""
        self._over.set()


@contextmanager
def supervised(children: Children) -> Iterator[Supervisor]:
    """Start again what ends, while the context is open."""
    supervisor = Supervisor(children)
    with ThreadPoolExecutor(1) as thread:
        watching = thread.submit(supervisor.run)
        try:
            yield supervisor
        finally:
            supervisor.stop()
            watching.result()
            children.stop()  # before the thread that started some of them ends


@dataclass
class Faulty:
    """The system and the parts of it that fail."""

    system: System
    cluster: KafkaCluster
    redis: RedisServer
    redis_proxy: Proxy
    supervisor: Supervisor
    rss: dict[str, int] = field(default_factory=dict)  # of each process after its first call, in bytes

    async def survive(
        self, name: str, fault: Callable[[], None], seconds: int = SECONDS, speed: float | None = SPEED
    ) -> None:
        """Play a call while ``fault`` happens; its finals and all else are as if nothing had."""
        finals = await self.system.run(short_demo(name, seconds), speed, fault, patience_s=400)
        assert lines(finals) == expected_lines(name, seconds)
        assert without_holes(finals)
        assert lines(await self.published(name)) == expected_lines(name, seconds)
        await self.settled()

    async def settled(self) -> None:
        """Every record read and committed, no counter of what must not happen moved, memory bounded."""
        await self._committed()
        children = self.system.children
        await asyncio.to_thread(
            wait_until, lambda: all(map(children.ready, children.children)), SETTLE_S, "all"
        )
        for name, child in children.children.items():
            found = series(child.port)
            assert {s: v for s, v in found.items() if s.startswith(NEVER) and v} == {}, name
            assert child.process is not None
            used = resident_bytes(child.process.pid)
            assert used < RSS_GROWTH * self.rss.setdefault(name, used), name

    async def published(self, session_id: str) -> list[FusedEmotion]:
        """Return the finals of a session on the topic; one that is there twice is the same twice."""
        found: dict[tuple[str, int], bytes] = {}
        async for records in history(self.system.settings.kafka, FUSED.name):
            for record in (each for each in records if each.key == session_id.encode()):
                final = decode(record.value)
                assert found.setdefault((final.party, final.end_ms), record.value) == record.value
        return in_order([decode(value) for value in found.values()])

    async def _committed(self) -> None:
        deadline = time.monotonic() + SETTLE_S
        async with LagMeter(self.system.settings.kafka) as meter:
            while True:
                lags = {group: await meter.lag(topic, group) for topic, group in READERS}
                if not any(sum(lag.values()) for lag in lags.values()):
                    return
                assert time.monotonic() < deadline, lags
                await asyncio.sleep(0.5)


decode = decoder(FUSED.max_bytes, *FUSED.carries)


def series(port: int) -> dict[str, float]:
    """Return every series that a process serves."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        rows = [line.rsplit(" ", 1) for line in answer.read().decode().splitlines() if line[0] != "#"]
    return {name: float(value) for name, value in rows}


def resident_bytes(pid: int) -> int:
    """Return the memory of a process that is in use."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_BYTES
