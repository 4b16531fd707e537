"""Sessions that come and go for hours of event time: whether the memory of the processes stays flat.

    python -m benchmarks.soak --hours 1

feeds the observations of calls to a real fusion process and a real alerts process, on a real Kafka and Redis.
Event time passes as fast as they follow. It prints the memory as it goes, and writes a report. Exit code 1:
a process grew by more for a session that is over than `LIMIT_BYTES`.
"""

import asyncio
import os
import platform
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from redis import Redis

from affectstream.processes import Children
from affectstream.runtime.kafka import Publisher, topics
from affectstream.runtime.kafka.lag import LagMeter
from affectstream.runtime.settings import Settings
from affectstream.runtime.settings import load as load_settings
from affectstream.schemas.messages import EndOfStream, Observation
from affectstream.schemas.topics import FUSED, KIB, PROBABILITIES
from affectstream.up import processes
from benchmarks.servers import Servers, running
from benchmarks.workload import PARTITIONS, packed, session

AT_ONCE = 200  # sessions
LASTS_S = 60  # a session, in event time
START_MS = 1_700_000_000_000
ODD_MS = 137  # calls begin and end within a window
EVERY_S = 5.0  # between two samples
MOST_LAG = 2_000  # records; then event time waits
ASK_EVERY_S = 5  # of event time, how far the processes are
TTL_S = 60  # of the keys in Redis: the shortest that the settings permit
READY_S = 240.0
LIMIT_BYTES = {"fusion": KIB, "alerts": KIB}  # that a process may grow by for a session that is over
OUT = Path("out") / "soak-logs"
REPORT = Path("docs") / "experiments" / "soak-sessions.md"


@dataclass(frozen=True)
class Sample:
    """The state at one moment."""

    wall_s: float
    ended: int  # sessions
    mib: dict[str, float]  # resident memory by process, and Redis's own


@dataclass
class Soak:
    """The samples of a run."""

    servers: Servers
    pids: dict[str, int]
    begun_s: float = field(default_factory=time.monotonic)
    samples: list[Sample] = field(default_factory=list)

    def sample(self, ended: int) -> None:
        """Take a sample, where one is due."""
        wall_s = time.monotonic() - self.begun_s
        if self.samples and wall_s - self.samples[-1].wall_s < EVERY_S:
            return
        with Redis.from_url(self.servers.redis_url) as redis:
            mib = {"Redis": redis.info("memory")["used_memory"] / 2**20}
        for name, pid in self.pids.items():
            lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
            mib[name] = int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024
        self.samples.append(Sample(wall_s, ended, mib))
        print(f"{wall_s:6.0f} s {ended:7,} sessions", *(f"{name} {m:.1f} MiB" for name, m in mib.items()))

    def growth_bytes(self, name: str) -> float:
        """Return the growth a session in the second half of the run: the slope of a straight line."""
        half = [s for s in self.samples if s.ended >= self.samples[-1].ended / 2]
        ended, mib = [s.ended for s in half], [s.mib[name] for s in half]
        return float(np.polyfit(ended, mib, 1)[0]) * 2**20 if len(set(ended)) > 1 else 0.0


def observations(number: int, start_ms: int) -> Iterator[list[Observation]]:
    """Yield a session's observations second by second, and the ends of its streams."""
    items = list(session(f"soak-{number:07d}", start_ms, LASTS_S))
    each = len(items) // LASTS_S
    for second in range(LASTS_S):
        yield items[second * each : (second + 1) * each]
    end_ms = start_ms + 1000 * LASTS_S
    newest = {item.modality: item for item in items}
    at = {"start_ms": end_ms, "end_ms": end_ms, "watermark_ms": end_ms}
    yield [EndOfStream(**item.envelope() | at | {"seq": item.seq + 1}) for item in newest.values()]


def seconds(hours: float, at_once: int) -> Iterator[tuple[int, list[tuple[int, Sequence[Observation]]]]]:
    """Yield, second by second of event time, how many sessions are over, and (session, observations)."""
    going: dict[int, Iterator[list[Observation]]] = {}
    begun = ended = 0
    for second in range(round(hours * 3600)):
        # they begin one after the other, so that in every second some begin and some end
        while len(going) < at_once and begun < (second + 1) * at_once / LASTS_S:
            going[begun] = observations(begun, START_MS + 1000 * second + begun * ODD_MS % 1000)
            begun += 1
        step = [(number, next(items, ())) for number, items in going.items()]
        for number, items in step:
            if not items:
                del going[number]
                ended += 1
        yield ended, [(number, items) for number, items in step if items]


async def feed(settings: Settings, soak: Soak, hours: float, at_once: int) -> int:
    """Send everything, no faster than the processes follow; return how many sessions are over."""
    ended = 0
    async with Publisher(settings.kafka, 4 * 64 * KIB) as publisher, LagMeter(settings.kafka) as meter:
        for second, (ended, step) in enumerate(seconds(hours, at_once)):
            for partition in range(PARTITIONS):
                own = [items for number, items in step if number % PARTITIONS == partition]
                rows = [(None, packed(items), items[0].start_ms, "") for items in own]
                await publisher.send_encoded(PROBABILITIES, partition, rows)
            soak.sample(ended)
            if second % ASK_EVERY_S == 0:
                await _followed(meter, MOST_LAG)
        await _followed(meter, 0)
        soak.samples[-1:] = []
        soak.sample(ended)
    return ended


async def _followed(meter: LagMeter, at_most: int) -> None:
    for topic in (PROBABILITIES, FUSED):
        while sum((await meter.lag(topic.name, topic.group)).values()) > max(at_most, AT_ONCE):
            await asyncio.sleep(0.05)


def report(soak: Soak, hours: float, at_once: int) -> str:
    """Return the report in Markdown."""
    last, count = soak.samples[-1], len(soak.samples)
    shown = [soak.samples[round(i * (count - 1) / 9)] for i in range(10)] if count > 10 else soak.samples
    names = list(last.mib)
    head = f"| wall time, s | sessions over | {' | '.join(f'{name}, MiB' for name in names)} |"
    rows = [
        f"| {s.wall_s:,.0f} | {s.ended:,} | {' | '.join(f'{s.mib[name]:,.1f}' for name in names)} |"
        for s in shown
    ]
    allowed = ", ".join(f"{name} {most:,} bytes" for name, most in LIMIT_BYTES.items())
    growth = ", ".join(f"{name} {round(soak.growth_bytes(name)):,} bytes" for name in names)
    return f"""# Soak: sessions that come and go

`make soak-sessions` wrote this on {datetime.now(UTC):%Y-%m-%d}: {os.cpu_count()} cores, Python
{platform.python_version()}. {at_once:,} calls at once of {LASTS_S} s, face at 5 fps, voice and words, ran
through a fusion process and an alerts process on a real Kafka and a real Redis, whose keys expire after
{TTL_S} s. **{hours:g} h of event time passed in {last.wall_s / 60:.1f} minutes of the clock, and
{last.ended:,} sessions ended.**

{head}
|{"---|" * (2 + len(names))}
{chr(10).join(rows)}

Growth a session in the second half, the slope of a straight line through its part of {count} samples:
{growth}. Allowed: {allowed}.
So as not to read the last sessions from Redis again, the fusion remembers where the last thousand parties of
each partition have stopped, and of the last 200,000 sessions that nobody has withdrawn consent. The alerts
drop a party whose streams have ended.
Redis's memory follows the clock, not the sessions: its keys live for a minute here.
"""


def main(
    hours: Annotated[float, typer.Option(min=0.02, help="of event time")] = 1.0,
    at_once: Annotated[int, typer.Option(min=4, help="sessions")] = AT_ONCE,
    write: Annotated[Path | None, typer.Option("--report", help="a file for the report")] = REPORT,
) -> None:
    """Run the soak."""
    with running() as servers:
        settings = load_settings(
            kafka={"bootstrap": servers.bootstrap},
            redis={"url": servers.redis_url, "ttl_s": TTL_S},
            log={"level": "error"},
        )
        asyncio.run(topics.create(settings.kafka, PARTITIONS, replication=1))
        children = [child for child in processes(settings) if child.name in LIMIT_BYTES]
        with Children(children, OUT) as group:
            group.wait_ready(READY_S)
            pids = {name: child.process.pid for name, child in group.children.items() if child.process}
            soak = Soak(servers, pids)
            asyncio.run(feed(settings, soak, hours, at_once))
            group.check()
    text = report(soak, hours, at_once)
    print(text)
    if write:
        write.write_text(text, encoding="utf-8")
    raise typer.Exit(any(soak.growth_bytes(name) > most for name, most in LIMIT_BYTES.items()))


if __name__ == "__main__":
    typer.run(main)
