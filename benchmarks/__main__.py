"""`make bench`: measure everything, print a table and write out/bench.json."""

import asyncio
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

from affectstream.runtime.settings import load
from affectstream.up import Stack, started
from benchmarks import join, live, models, rules
from benchmarks.measure import Row
from benchmarks.recording import FILE

OUT = Path("out")
LIVE_BUDGET_MS = 500  # of the video worker, as `affectstream config` explains it


def rows(console: Console) -> Iterator[Row]:
    """Yield every figure, the quick ones first."""
    settings = load(policy={"agent_purpose": "synthetic"})
    torch.set_num_threads(1)  # as a worker has by default
    yield from models.rows(settings)
    yield join.pure(settings)
    yield from rules.rows(settings)
    yield from analyze()
    live_video = settings.video.model_copy(update={"live_budget_ms": LIVE_BUDGET_MS})
    shedding = settings.model_copy(update={"video": live_video})
    with started(shedding, OUT / "bench-logs", console) as stack:
        for per_record in (1, 8):
            yield asyncio.run(join.agent(stack.settings, per_record))
        yield from asyncio.run(live.latency(stack.settings, stack.children.children["video"].port))
        yield from memory(stack)


def analyze() -> Iterator[Row]:
    """Yield the speed of `affectstream analyze`, start-up included, and its memory."""
    program = [str(Path(sys.executable).parent / "affectstream"), "analyze", str(FILE)]
    begin = time.perf_counter()
    process = subprocess.Popen([*program, "-o", str(OUT / "bench.jsonl")], stdout=subprocess.DEVNULL)
    _, _, usage = os.wait4(process.pid, 0)
    took_s = time.perf_counter() - begin
    windows = [json.loads(line) for line in (OUT / "bench.jsonl").read_text().splitlines()]
    seconds = (windows[-1]["end_ms"] - windows[0]["start_ms"]) // 1000
    yield Row(f"analyze the demo call ({seconds} s, two parties)", seconds / took_s, "x real time")
    yield Row("analyze, peak memory", usage.ru_maxrss / 1024, "MiB")


def memory(stack: Stack) -> Iterator[Row]:
    """Yield the peak memory of every process of the system."""
    for name, child in stack.children.children.items():
        status = Path(f"/proc/{child.process.pid}/status").read_text() if child.process else ""
        peak = next((line for line in status.splitlines() if line.startswith("VmHWM")), "VmHWM: 0 kB")
        yield Row(f"{name}, peak memory", int(peak.split()[1]) / 1024, "MiB")


def main() -> None:
    """Print the table and write the JSON."""
    console = Console()
    OUT.mkdir(exist_ok=True)
    table = Table(
        title=f"{os.cpu_count()} cores, Python {platform.python_version()}, torch {torch.__version__}"
    )
    for column in ("what", "median", "unit", "range", "ratio", "to"):
        table.add_column(column, justify="right" if column in ("median", "ratio") else "left")
    measured = []
    for row in rows(console):
        measured.append(row)
        spread = f"{row.spread[0]:.0f} - {row.spread[1]:.0f}" if row.spread else ""
        ratio = f"{row.ratio:.2f}" if row.ratio else ""
        table.add_row(row.what, f"{row.value:,.1f}", row.unit, spread, ratio, row.against)
        console.print(f"{row.what}: {row.value:,.1f} {row.unit}", style="dim")
    console.print(table)
    (OUT / "bench.json").write_text(json.dumps([row.as_dict() for row in measured], indent=2) + "\n")


if __name__ == "__main__":
    main()
