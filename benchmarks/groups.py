"""Groups of several workers a modality; the processor time of calls beside what capacity computes."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from affectstream.capacity.costs import read
from affectstream.capacity.plan import Rates, processor_s
from affectstream.processes import Children
from affectstream.producers.session import SessionMessage, messages
from affectstream.publish import Ends, published
from affectstream.runtime.kafka import topics
from affectstream.runtime.settings import Settings
from affectstream.runtime.store import FusedStore
from affectstream.schemas.errors import Unavailable
from affectstream.schemas.messages import MODALITIES, EndOfStream
from affectstream.up import processes
from benchmarks.measure import Row
from benchmarks.recording import demo
from benchmarks.servers import cpu_s, running
from benchmarks.workload import PARTITIONS

READY_S, DONE_S, POLL_S = 300.0, 900.0, 0.1
WORKERS = (1, 2, 4)
START_MS = 1_700_000_000_000


@dataclass(frozen=True)
class Ran:
    """What calls took from the first message to the last final, by kind of process."""

    wall_s: float
    cpu_s: Counter[str]
    peak_mib: dict[str, float]  # of the largest process of a kind


def scale(settings: Settings, logs: Path, small: bool) -> Iterator[Row]:
    """Yield the rate of one, two and four workers a modality on a backlog, and the memory of the largest."""
    calls, seconds = (2, 4) if small else (24, 30)
    stream = _calls(calls, seconds)
    for workers in WORKERS[:2] if small else WORKERS:
        ran = _run(settings, logs / f"scale-{workers}", workers, stream, None)
        name = f"{workers} {'worker' if workers == 1 else 'workers'} a modality, {calls} calls as a backlog"
        yield Row(name, len(stream) / ran.wall_s, "inputs/s")
        for kind, mib in ran.peak_mib.items():
            yield Row(f"{name}: {kind}, peak memory", mib, "MiB")
        yield Row(f"{name}: processor time of all", sum(ran.cpu_s.values()), "s")


def simulation(settings: Settings, logs: Path, small: bool) -> Iterator[Row]:
    """Yield the processor time that calls take of each process, and the formula's number over it.

    In real time a worker has few inputs at once; as a backlog its batches are full, as near capacity.
    """
    calls, seconds = (1, 4) if small else (10, 30)
    stream, costs = _calls(calls, seconds), read()
    computed = processor_s(_rates(stream, seconds), costs)
    for speed, name in ((1.0, "in real time"), (None, "as a backlog")):
        ran = _run(settings, logs / "simulation", 1, stream, speed)
        for kind in (*MODALITIES, "fusion"):
            took_s = ran.cpu_s[kind]
            what = f"{calls} calls of {seconds} s {name}: {kind}"
            yield Row(what, took_s, "s", None, "what capacity computes", took_s / (computed[kind] * seconds))


def _rates(stream: Sequence[SessionMessage], seconds: int) -> Rates:
    """Return the rates of a stream."""
    counts = Counter(message.modality for message in stream if message.type != "eos")
    spoken = sum(bool(getattr(message, "text", "")) for message in stream)
    parties = len({(message.session_id, message.party) for message in stream})
    return Rates(
        counts["video"] / seconds,
        counts["audio"] / seconds,
        counts["text"] / seconds,
        spoken / seconds,
        parties,
    )


def _calls(calls: int, seconds: int) -> list[SessionMessage]:
    """Return the first seconds of the demo call, so many times at once under names of their own."""
    until_ms = START_MS + 1000 * seconds
    last: dict[tuple[str, str], SessionMessage] = {}
    one: list[SessionMessage] = []
    for message in messages(demo("call", START_MS)):
        if message.end_ms <= until_ms and message.start_ms < until_ms and message.type != "eos":
            last[message.party, message.modality] = message
            one.append(message)
    at = {"start_ms": until_ms, "end_ms": until_ms, "watermark_ms": until_ms}
    one += [EndOfStream(**m.envelope() | at | {"seq": m.seq + 1}) for m in last.values()]
    names = [f"call-{number:03d}" for number in range(calls)]
    return [message.model_copy(update={"session_id": name}) for message in one for name in names]


def _run(
    settings: Settings, logs: Path, workers: int, stream: Sequence[SessionMessage], speed: float | None
) -> Ran:
    with running() as servers:
        here = servers.settings(settings)
        asyncio.run(topics.create(here.kafka, PARTITIONS, replication=1))
        with Children(processes(here, workers), logs) as group:
            group.wait_ready(READY_S)
            before = _cpu(group)
            begun_s = time.monotonic()
            asyncio.run(_played(here, stream, speed))
            wall_s = time.monotonic() - begun_s
            return Ran(wall_s, _cpu(group) - before, _peaks(group))


async def _played(here: Settings, stream: Sequence[SessionMessage], speed: float | None) -> None:
    """Return once the last final of every call is in Redis; raises Unavailable."""
    ends: dict[str, Ends] = {}
    for message in stream:
        ends.setdefault(message.session_id, Ends(here.fusion.window_ms)).note(message)
    async with FusedStore(here.redis) as store:
        await published(stream, here.kafka, speed)
        deadline = time.monotonic() + DONE_S
        for name, its in ends.items():
            while not await its.reached(store, name):
                if time.monotonic() > deadline:
                    raise Unavailable(f"{name} has no last final after {DONE_S:.0f} s")
                await asyncio.sleep(POLL_S)


def _cpu(group: Children) -> Counter[str]:
    found = Counter[str]()
    for name, child in group.children.items():
        assert child.process is not None
        found[name.partition("-")[0]] += cpu_s(child.process.pid)  # type: ignore[assignment]
    return found


def _peaks(group: Children) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, child in group.children.items():
        assert child.process is not None
        status = Path(f"/proc/{child.process.pid}/status").read_text(encoding="ascii")
        peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
        kind = name.partition("-")[0]
        found[kind] = max(found.get(kind, 0.0), int(peak.split()[1]) / 1024)
    return found
