#!/usr/bin/env python3
"""Print the path of one observation through the fusion process: files and moves between them.

Runs the real process on the embedded broker and Redis. One frame's observation that closes a window is sent,
and every function of ours that runs because of it is recorded, on all threads, until its final is in
Redis and its offset is committed. Functions that run while nothing arrives (timers, polls) are left out. The
join runs as Python here: what is compiled tells a profiler nothing.

    .venv/bin/python scripts/trace_observation.py [--calls]
"""

import asyncio
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from types import FrameType
from typing import Any

from affectstream.runtime.embedded import EmbeddedBroker, EmbeddedRedis
from affectstream.runtime.kafka import Publisher, topics
from affectstream.runtime.process import Stop
from affectstream.runtime.settings import Settings, load
from affectstream.runtime.store import FusedStore
from affectstream.schemas.messages import MODALITIES, Modality, Observations, Probabilities
from affectstream.workers.fusion.__main__ import serve
from affectstream.workers.fusion.native import PURE

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("models", "runtime", "schemas", "workers")
START_MS = 1_700_000_000_000
IDLE_S = 3.0
DEADLINE_S = 60.0
P = (0.1, 0.4, 0.1, 0.1, 0.1, 0.1, 0.1)

Step = tuple[str, str]  # file, function
READING: Step = ("schemas/observations.py", "read")


class Recorder:
    """Every function of ours that is entered, resumed or left, on all threads, while it is on."""

    def __init__(self) -> None:
        self.on = False
        self.steps: list[tuple[str, Step]] = []  # event, step
        self._names: dict[Any, Step | None] = {}

    def __call__(self, frame: FrameType, event: str, _: object) -> None:
        """Note one event of the profiler."""
        if not self.on or event not in ("call", "return"):
            return
        code = frame.f_code
        if code not in self._names:
            self._names[code] = _ours(code.co_filename, code.co_qualname)
        step = self._names[code]
        if step:
            self.steps.append((event, step))

    @contextmanager
    def recording(self) -> Iterator[list[tuple[str, Step]]]:
        """Yield the list that is filled meanwhile."""
        self.steps = []
        self.on = True
        try:
            yield self.steps
        finally:
            self.on = False


def _ours(filename: str, function: str) -> Step | None:
    path = Path(filename).resolve()
    if not path.is_relative_to(ROOT) or path.relative_to(ROOT).parts[0] not in FOLDERS:
        return None
    if function.rpartition(".")[2].startswith("<"):  # a comprehension
        return None
    return str(path.relative_to(ROOT)), function


def observation(modality: Modality, seq: int, start_ms: int, end_ms: int) -> Observations:
    """Return a record of one observation of a party that shows, speaks and is transcribed."""
    item = Probabilities(
        session_id="traced",
        party="customer",
        modality=modality,
        expects=MODALITIES,
        seq=seq,
        start_ms=start_ms,
        end_ms=end_ms,
        watermark_ms=end_ms,
        p=P,
        quality=0.9,
        model_id=modality,
    )
    return Observations(items=(item,))


async def trace(settings: Settings, recorder: Recorder) -> tuple[list[tuple[str, Step]], set[Step]]:
    """Return the events while the observation is on its way, and what also runs while nothing arrives."""
    stop = Stop()
    serving = asyncio.create_task(serve(settings, stop))
    async with Publisher(settings.kafka) as publisher, FusedStore(settings.redis) as store:

        async def send(record: Observations) -> None:
            await (await publisher.send(record, partition=0))

        async def final(end_ms: int) -> None:
            async with asyncio.timeout(DEADLINE_S):
                while not any(w.end_ms == end_ms for w in await store.finals("traced", "customer")):
                    if serving.done():
                        serving.result()
                    await asyncio.sleep(0.02)

        for modality in ("audio", "text"):  # both have passed the windows that the frames will close
            await send(observation(modality, 0, START_MS, START_MS + 9000))
        for seq in range(15):  # the last window that they close has the shape of those before
            await send(observation("video", seq, START_MS + 200 * seq, START_MS + 200 * seq))
        await final(START_MS + 2000)
        # The script itself sleeps while the recorder is on: its own use of Kafka and Redis is not recorded.
        timers = {READING}
        while any(
            file == READING[0] for file, _ in timers
        ):  # the observations before it are still on their way
            with recorder.recording() as idle:
                await asyncio.sleep(IDLE_S)
            timers = {step for _, step in idle}
        record = observation("video", 15, START_MS + 3000, START_MS + 3000)
        sent = await publisher.send(record, partition=0)
        with recorder.recording() as steps:
            await sent
            await asyncio.sleep(IDLE_S)
        await final(START_MS + 3000)
        stop.set()
        await serving
    return steps, timers


def main() -> None:
    """Trace, and print the files in the order in which they are entered first."""
    if not os.environ.get(PURE):
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | {PURE: "1"})
    recorder = Recorder()
    threading.setprofile(recorder)
    sys.setprofile(recorder)
    with EmbeddedBroker() as broker, EmbeddedRedis() as redis:
        kafka = {"bootstrap": broker.bootstrap, "embedded": True}
        settings = load(kafka=kafka, redis={"url": redis.url}, fusion={"stall_ms": 600_000})
        asyncio.run(topics.create(settings.kafka))
        events, timers = asyncio.run(trace(settings, recorder))
    sys.setprofile(None)
    report([each for each in events if each[1] not in timers], "--calls" in sys.argv[1:])
    idle = {step[0] for step in timers} - {step[0] for _, step in events if step not in timers}
    print("running while nothing arrives too, and left out:", ", ".join(sorted(idle)))


def report(events: list[tuple[str, Step]], calls: bool) -> None:
    """Print what was recorded."""
    walk = [step[0] for _, step in events]
    moves = sum(a != b for a, b in pairwise(walk))
    files = list(dict.fromkeys(walk))
    if calls:
        for event, (file, function) in events:
            print(f"{'>' if event == 'call' else '<'} {file}  {function}")
    for file in files:
        functions = list(dict.fromkeys(step[1] for _, step in events if step[0] == file))
        print(f"{file:34} {', '.join(functions)}")
    functions = {step for _, step in events}
    entered = sum(event == "call" for event, _ in events)
    print(f"{len(files)} files, {len(functions)} functions, {entered} calls, {moves} moves from file to file")


if __name__ == "__main__":
    main()
