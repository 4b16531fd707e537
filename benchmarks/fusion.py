"""How much one fusion process joins, from the log on a real Kafka to the last final in a real Redis."""

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from functools import lru_cache

from redis import Redis

from affectstream.runtime.process import die_with_parent
from affectstream.runtime.settings import Settings, as_env
from affectstream.runtime.settings import load as load_settings
from affectstream.workers.fusion.offline import offline_join
from benchmarks.measure import RATES, Row, Run, median_of, ratio_of
from benchmarks.servers import Servers, preload, running
from benchmarks.workload import Load, Record, records, session

RUN_S = 600
# A minute of calls, or half of one: of twelve seconds a fifth goes into what is done once a party, and into a
# broker that is not warm yet.
LOADS = (
    Load(1000, 60, fps=5, per_record=8),
    Load(500, 30, fps=30, per_record=8),
    Load(1000, 30, fps=5, per_record=1),
)
SESSIONS = (10, 100, 1000, 5000)
SMALL = (Load(20, 4, fps=5, per_record=8), Load(10, 3, fps=30, per_record=8), Load(20, 4, 5, 1))


def rows(small: bool, rounds: int) -> Iterator[Row]:
    """Yield the rate of each load, the ratio of the second and third to the first of the same round."""
    loads = SMALL if small else LOADS
    logs = {load: records(load) for load in loads}
    runs: dict[Load, list[Run]] = {load: [] for load in loads}
    for _ in range(rounds):
        for load, log in logs.items():
            runs[load].append(run(load, log))
    first = loads[0]
    for load, its in runs.items():
        against = None if load == first else (str(first), runs[first])
        yield from figures(f"fusion process, {load}", its, against)


def by_sessions(small: bool, rounds: int) -> Iterator[Row]:
    """Yield rate and memory with more and more sessions, about as many observations each time."""
    counts = SESSIONS[:2] if small else SESSIONS
    loads = [Load(n, max(4, (600 if small else 12_000) // n)) for n in counts]
    logs = {load: records(load) for load in loads}
    runs = {load: [run(load, log) for _ in range(rounds)] for load, log in logs.items()}
    least = loads[0]
    for load, its in runs.items():
        against = None if load == least else (f"{least.sessions} sessions", runs[least])
        rate, *_ = figures(f"fusion process, {load}", its, against)
        yield rate
        yield Row(f"fusion process, {load}, peak memory", median_of(its, "peak_mib"), "MiB")


def figures(what: str, runs: Sequence[Run], against: tuple[str, Sequence[Run]] | None) -> Iterator[Row]:
    """Yield the rate by the clock and by processor time, and what the servers took."""
    for unit, rate in RATES.items():
        values = [getattr(each, rate) for each in runs]
        named, ratio = (against[0], ratio_of(runs, against[1], rate)) if against else ("", None)
        yield Row(what, statistics.median(values), unit, (min(values), max(values)), named, ratio)
    for server in ("broker", "redis"):
        yield Row(f"{what}: {server}", median_of(runs, f"{server}_us"), "us an observation")


def run(load: Load, log: Sequence[Record]) -> Run:
    """Return what one process took over the log; raises RuntimeError where a final is missing."""
    with running() as servers:
        preload(servers.bootstrap, log)
        finals = load.sessions * finals_of(load.fps, load.seconds)
        before = {name: servers.cpu_s(name) for name in servers.pids}
        took = _measured(settings(servers), finals)
        stored = _stored(servers)
        if stored != finals:
            raise RuntimeError(f"{stored} finals in Redis, where the join gives {finals}")
        notes = {
            f"{name}_us": (servers.cpu_s(name) - before[name]) / load.observations * 1e6 for name in before
        }
    return Run(load.observations, took["cpu_s"], took["wall_s"], notes | {"peak_mib": took["peak_mib"]})


def settings(servers: Servers) -> Settings:
    """Return the settings of a process that runs against these servers."""
    return load_settings(
        kafka={"bootstrap": servers.bootstrap},
        redis={"url": servers.redis_url},
        policy={"agent_purpose": "synthetic"},
        log={"level": "error"},
    )


@lru_cache
def finals_of(fps: int, seconds: int) -> int:
    """Return how many finals a session of the load gives: its last windows stay open."""
    join = offline_join(load_settings().fusion)
    per_second = {"video": fps, "audio": 1, "text": 1}
    panes = [
        pane for item in session("one", seconds=seconds, per_second=per_second) for pane in join.push(item)
    ]
    return sum(pane.pane == "final" for pane in panes)


def _measured(own: Settings, finals: int) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.fusion_run", str(finals)],
        stdout=subprocess.PIPE,
        text=True,
        timeout=RUN_S,
        env=os.environ | as_env(own),
        preexec_fn=die_with_parent,
        check=True,
    )
    took: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return took


def _stored(servers: Servers) -> int:
    with Redis.from_url(servers.redis_url) as redis:
        return sum(redis.xlen(key) for key in redis.scan_iter("affect:finals:*", count=10_000))
