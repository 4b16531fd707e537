"""The whole system on this machine: `analyze`, a live call, and the memory of every process."""

import asyncio
import json
import math
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console

from affectstream.runtime.process import die_with_parent
from affectstream.runtime.settings import Settings
from affectstream.up import Stack, started
from benchmarks import live as live_call
from benchmarks import long_call
from benchmarks.measure import Row
from benchmarks.recording import FILE

LIVE_BUDGET_MS = 500  # of the video worker, as `affectstream config` explains it

USED = """
import json, resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps({"cpu_s": usage.ru_utime + usage.ru_stime, "peak_mib": usage.ru_maxrss / 1024}))
"""


def analyze(out: Path, times: int) -> Iterator[Row]:
    """Yield the speed of `affectstream analyze`, start-up included: a clip, the demo call, a long call."""
    yield from _analyzed("a clip", long_call.clip(out), out)
    yield from _analyzed("the demo call", FILE, out)
    yield from _analyzed("the demo call over and over", long_call.write(out / "long-call", times), out)
    seen = long_call.two_cameras(out / "faces-in-view", 5 * times, 10.5, 11)
    yield from _analyzed("two cameras, faces in view", seen, out)
    hidden = long_call.two_cameras(out / "faces-hidden", times, math.inf, long_call.PERIOD_S)
    yield from _analyzed("two cameras, the face hidden at times", hidden, out)


def _analyzed(name: str, media: Path, out: Path) -> Iterator[Row]:
    program = [str(Path(sys.executable).parent / "affectstream"), "analyze", str(media)]
    begin = time.perf_counter()
    usage = _used([*program, "-o", str(out / "bench.jsonl")])
    took_s = time.perf_counter() - begin
    windows = [json.loads(line) for line in (out / "bench.jsonl").read_text().splitlines()]
    seconds = (windows[-1]["end_ms"] - windows[0]["start_ms"]) // 1000
    what = f"analyze {name} ({seconds} s)"
    yield Row(what, seconds / took_s, "x real time")
    yield Row(f"{what}, processor time", usage["cpu_s"], "s")
    yield Row(f"{what}, peak memory of its larger process", usage["peak_mib"], "MiB")


def _used(program: Sequence[str]) -> dict[str, float]:
    """Run a program; return its processor time, and the peak memory of its largest process.

    Not as a child of this process: what the kernel gives as a child's peak begins with its parent's memory.
    """
    between = [sys.executable, "-c", USED, *program]
    done = subprocess.run(between, stdout=subprocess.PIPE, preexec_fn=die_with_parent, check=True)
    usage: dict[str, float] = json.loads(done.stdout)
    return usage


def live(settings: Settings, out: Path, console: Console) -> Iterator[Row]:
    """Yield the latency of a live picture with old frames shed, and the memory of every process."""
    live_video = settings.video.model_copy(update={"live_budget_ms": LIVE_BUDGET_MS})
    shedding = settings.model_copy(update={"video": live_video})
    with started(shedding, out / "bench-logs", console) as stack:
        yield from asyncio.run(live_call.latency(stack.settings, stack.children.children["video"].port))
        yield from memory(stack)


def memory(stack: Stack) -> Iterator[Row]:
    """Yield the peak memory of every process of the system."""
    for name, child in stack.children.children.items():
        status = Path(f"/proc/{child.process.pid}/status").read_text() if child.process else ""
        peak = next((line for line in status.splitlines() if line.startswith("VmHWM")), "VmHWM: 0 kB")
        yield Row(f"{name}, peak memory", int(peak.split()[1]) / 1024, "MiB")
