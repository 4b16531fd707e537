"""The gateway under many telephone calls at real time: delay to Kafka, processor time and memory a call."""

import asyncio
import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from affectstream.processes import Child, Children
from affectstream.runtime.kafka import topics
from affectstream.runtime.process import die_with_parent, free_port
from affectstream.runtime.settings import Settings, as_env, load
from benchmarks import listing, servers
from benchmarks.gateway_load import FRAME_MS, RAMP_S
from benchmarks.measure import Row

START_S = 60
FULL, SMALL = (500, 60), (5, 3)  # calls, seconds of each


def rows(logs: Path, small: bool) -> Iterator[Row]:
    """Yield what so many calls at once cost, and how late their chunks are in Kafka."""
    calls, seconds = SMALL if small else FULL
    with servers.running() as running:
        settings = _settings(running, calls)
        asyncio.run(topics.create(settings.kafka, 4, replication=1))
        env = as_env(settings) | {"PYTHONUNBUFFERED": "1"}
        child = Child("gateway", "affectstream.producers.gateway", env, settings.gateway.health_port)
        with Children([child], logs) as children:
            children.wait_ready(START_S)
            assert child.process
            yield from _measured(child.process.pid, settings, calls, seconds)
        apart = settings.kafka.model_copy(update={"topic_prefix": "listed."})  # the load left a backlog
        settings = settings.model_copy(update={"kafka": apart})
        asyncio.run(topics.create(settings.kafka, 4, replication=1))
        yield from listing.rows(settings, logs, small)


def _settings(running: servers.Servers, calls: int) -> Settings:
    return load(
        kafka={"bootstrap": running.bootstrap},
        redis={"url": running.redis_url},
        policy={"agent_purpose": "synthetic"},
        log={"format": "json"},
        gateway={
            "port": free_port(),
            "audiosocket_port": 0,
            "health_port": free_port(),
            "max_calls": calls,
        },
    )


def _measured(pid: int, settings: Settings, calls: int, seconds: int) -> Iterator[Row]:
    arguments = [str(settings.gateway.port), str(calls), str(seconds)]
    before_kib, cpu_s = _memory_kib(pid), servers.cpu_s(pid)
    load = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.gateway_load", *arguments],
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=die_with_parent,
    )
    time.sleep(calls * RAMP_S + (seconds - calls * RAMP_S) / 2)  # all calls go on
    kib = (_memory_kib(pid) - before_kib) / calls
    printed, _ = load.communicate()
    sent = json.loads(printed)
    wanted = 2 * calls * (seconds + 1)  # the first and the last are parts of one
    buckets, chunks = _delays(settings.gateway.health_port, wanted)
    cpu_s = servers.cpu_s(pid) - cpu_s
    frames = calls * seconds * 2 * 1000 / FRAME_MS
    what = f"gateway, {calls} telephone calls at once"
    yield Row(f"{what}, end of a chunk's sound to Kafka, p50", 1000 * _quantile(buckets, 0.5), "ms")
    yield Row(f"{what}, the same, p99", 1000 * _quantile(buckets, 0.99), "ms")
    yield Row(f"{what}, chunks that came", 100 * chunks / wanted, "%")
    yield Row(f"{what}, processor time", 100 * cpu_s / seconds, "% of a core")
    yield Row(f"{what}, processor time a frame", 1e6 * cpu_s / frames, "us")
    yield Row(f"{what}, memory a call", kib, "KiB")
    yield Row(f"{what}, frames sent late by the load itself, p99", sent["late_p99_ms"], "ms")
    yield Row(f"{what}, processor time of the load itself a frame", sent["cpu_us"], "us")


def _memory_kib(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])


def _delays(port: int, wanted: int) -> tuple[list[tuple[float, float]], float]:
    """Return the buckets of the delays, upper bound and how many up to it, once all chunks are there."""
    deadline = time.monotonic() + 60
    while True:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as page:
            families = list(text_string_to_metric_families(page.read().decode()))
        samples = next(f for f in families if f.name == "affect_gateway_delay_seconds").samples
        buckets = [(float(s.labels["le"]), s.value) for s in samples if s.name.endswith("_bucket")]
        if buckets[-1][1] >= wanted or time.monotonic() > deadline:
            return buckets, buckets[-1][1]
        time.sleep(0.2)


def _quantile(buckets: list[tuple[float, float]], share: float) -> float:
    """Return the value below which a share lies, in a straight line between the bounds of its bucket."""
    wanted, low, below = share * buckets[-1][1], 0.0, 0.0
    for bound, upto in buckets:
        if upto >= wanted and upto > below:
            return low + (min(bound, 60.0) - low) * (wanted - below) / (upto - below)
        low, below = bound, upto
    return low
