"""One fusion process under measurement: from the first record to the last final in Redis.

    python -m benchmarks.fusion_run FINALS

runs the process with its settings from the environment, and prints one line of JSON: processor and wall time
from the first fetch until so many finals are written, the process's peak memory.
"""

import asyncio
import json
import os
import re
import sys
import time
from pathlib import Path
from typing import Any

from affectstream.runtime import metrics, process
from affectstream.runtime.process import Stop
from affectstream.runtime.settings import load
from affectstream.workers.fusion import __main__ as fusion
from affectstream.workers.fusion.agent import FusionAgent

POLL_S = 0.01


class Watch:
    """Notes when the first fetch came, and says when all is written."""

    def __init__(self, finals: int) -> None:
        self._finals = finals
        self._cpu_s = self._wall_s = 0.0

    def note_first_fetch(self) -> None:
        """Put the agent's `receive` behind one that looks at the clocks at its first call."""
        receive = FusionAgent.receive

        async def noted(agent: FusionAgent, batch: Any) -> None:
            if not self._wall_s:
                self._cpu_s, self._wall_s = time.process_time(), time.perf_counter()
            await receive(agent, batch)

        FusionAgent.receive = noted  # type: ignore[method-assign]

    async def until_done(self) -> None:
        """Print the figures once all finals are in Redis, and end the process."""
        stored = metrics.STORED.labels("new")
        while stored._value.get() < self._finals:
            await asyncio.sleep(POLL_S)
        cpu_s, wall_s = time.process_time() - self._cpu_s, time.perf_counter() - self._wall_s
        figures = {"cpu_s": cpu_s, "wall_s": wall_s, "peak_mib": peak_mib()}
        sys.stdout.write(json.dumps(figures) + "\n")
        sys.stdout.flush()
        os._exit(0)


def peak_mib() -> float:
    """Return the most memory that this process held; what `getrusage` says begins with its parent's."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    (kib,) = re.findall(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    return int(kib) / 1024


async def serve(stop: Stop) -> None:
    """Run the fusion process and the watch beside it."""
    watch = Watch(int(sys.argv[1]))
    watch.note_first_fetch()
    async with asyncio.TaskGroup() as group:
        group.create_task(watch.until_done())
        await fusion.serve(load(), stop)


if __name__ == "__main__":
    process.run(serve, worker="fusion")
