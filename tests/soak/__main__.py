"""The soak of hostile input: every target in processes of their own, and a report of what became of it.

`make soak-input` feeds more than a million inputs, some of them made by mutation, some by hypothesis and some
by atheris, guided by the lines they reach. Exit code 1: something was raised that is no refusal, took too
long, or brought a process down. A mutated input is made again by its number: `--only TARGET --number N`.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from soak.child import RUNNING, Outcome, input_of, read_outcome
from soak.report import page
from soak.targets import Target, all_targets

out = Console(highlight=False, markup=False, soft_wrap=True)

SHARES = {"mutation": 0.8, "hypothesis": 0.003, "atheris": 0.197}  # of the inputs of a target with all three
SEED = 15
GOES_ON = 20  # times that a target is begun again, after an input that ended its process


def main() -> int:
    """Run the targets that are asked for and write the report."""
    asked = _arguments()
    targets = {name: target for name, target in all_targets().items() if asked.only in (None, name)}
    if asked.number is not None:
        (target,) = targets.values()
        sys.stdout.buffer.write(input_of(target.seeds(), asked.seed, asked.number))
        return 0
    with ThreadPoolExecutor(asked.jobs) as pool:
        outcomes = list(pool.map(lambda each: _fed(*each, asked.seed), _todo(targets.values(), asked.scale)))
    if asked.report:
        asked.report.write_text(page(outcomes, asked.seed), encoding="utf-8")
    return 1 if any(outcome.findings for outcome in outcomes) else 0


def _todo(targets: Iterable[Target], scale: float) -> Iterator[tuple[Target, str, int]]:
    """Yield what is fed to whom, by what, and how many of it."""
    for target in targets:
        for how in target.fed_by:
            share = SHARES[how] if len(target.fed_by) > 2 else 1 / len(target.fed_by)
            yield target, how, max(1, round(target.inputs * share * scale))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make soak-input", description=__doc__)
    parser.add_argument("--only", choices=sorted(all_targets()), help="one target")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--scale", type=float, default=1.0, help="of the number of inputs")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes at once")
    parser.add_argument("--number", type=int, help="write the mutated input of this number, and feed none")
    parser.add_argument("--report", type=Path, help="a page of Markdown to write")
    return parser.parse_args()


def _fed(target: Target, how: str, count: int, seed: int) -> Outcome:
    """Feed a target in a process; where an input ends it, go on behind that input."""
    whole = Outcome(target.name, how)
    for attempt in range(GOES_ON):
        found, ended_by = _run(target, how, count - whole.inputs, seed + attempt)
        whole = whole.with_more(found)
        if ended_by is None or how == "atheris":
            break
        whole.findings.setdefault(ended_by, whole.inputs)
    _tell(whole)
    return whole


def _run(target: Target, how: str, count: int, seed: int) -> tuple[Outcome, str | None]:
    """Return the outcome of one process, and how it ended where it was brought down."""
    with TemporaryDirectory() as folder:
        running = Path(folder) / "running"
        running.write_bytes(bytes(8))
        began_s = time.monotonic()
        command = [sys.executable, "-m", "soak.child", target.name, how, str(count), str(seed)]
        env = os.environ | {RUNNING: str(running)}
        done = subprocess.run(
            command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False
        )
        written = running.with_suffix(".json")
        if written.exists():
            return replace(read_outcome(written), wall_s=time.monotonic() - began_s), None
        number = int.from_bytes(running.read_bytes(), "little")
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        ended = f"ended with {done.returncode} by input {number} of seed {seed}: {' '.join(last)[:200]}"
        return Outcome(target.name, how, inputs=number + 1, wall_s=time.monotonic() - began_s), ended


def _tell(outcome: Outcome) -> None:
    out.print(
        f"{outcome.target:12} {outcome.how:10} {outcome.inputs:9,} inputs, {outcome.accepted:9,} accepted, "
        f"{outcome.wall_s:7.1f} s, slowest {outcome.slowest_ms:6.0f} ms, peak {outcome.peak_mb:4} MB"
    )
    for what, number in outcome.findings.items():
        out.print(f"    FOUND {what} (input {number})")


if __name__ == "__main__":
    sys.exit(main())
