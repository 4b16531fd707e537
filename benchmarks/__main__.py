"""`make bench`: measure speed, latency and memory; print a table and write out/bench.json."""

import json
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from benchmarks.measure import Row

OUT = Path("out")
WIDTH = 140  # of what is not a terminal

Section = Callable[[Console, bool, int], Iterator[Row]]


def _settings() -> "Settings":  # noqa: F821
    from affectstream.runtime.settings import load

    return load(policy={"agent_purpose": "synthetic"})


def _models(_: Console, small: bool, rounds: int) -> Iterator[Row]:
    """The workers' models, in batches and one input at a time."""
    import torch

    from benchmarks import models

    torch.set_num_threads(1)  # as a worker has by default
    yield from models.rows(_settings(), small)


def _rules(_: Console, small: bool, rounds: int) -> Iterator[Row]:
    """Every fusion rule, at once and joined."""
    from benchmarks import rules

    yield from rules.rows(_settings())


def _join(_: Console, small: bool, rounds: int) -> Iterator[Row]:
    """The join without a broker: 5 and 30 fps, sessions from 10 to 5,000, memory per party."""
    from benchmarks import join

    yield from join.rows(_settings(), small, rounds)
    yield from join.by_sessions(_settings(), small, rounds)


def _hour(_: Console, small: bool, rounds: int) -> Iterator[Row]:
    """A call of an hour through the join."""
    from benchmarks import join

    yield from join.hour(_settings(), small, rounds)


def _fusion(_: Console, small: bool, rounds: int) -> Iterator[Row]:
    """The fusion process from Kafka to Redis, 8 observations a record and one, 5 and 30 fps."""
    from benchmarks import fusion

    yield from fusion.rows(small, rounds)


def _sessions(_: Console, small: bool, rounds: int) -> Iterator[Row]:
    """The fusion process with sessions from 10 to 5,000, and its memory."""
    from benchmarks import fusion

    yield from fusion.by_sessions(small, rounds)


def _peers(_: Console, small: bool, rounds: int) -> Iterator[Row]:
    """The fusion process and its peers on the same log in the same rounds."""
    from benchmarks import peer_runs

    yield from peer_runs.rows(small, rounds)


def _analyze(_: Console, small: bool, rounds: int) -> Iterator[Row]:
    """The command `analyze` on a clip of three seconds, the demo call, and that ten times over."""
    from benchmarks import system

    yield from system.analyze(OUT, 2 if small else 10)


def _live(console: Console, small: bool, rounds: int) -> Iterator[Row]:
    """A live call through the whole system: latency, shed frames, memory of every process."""
    from benchmarks import system

    yield from system.live(_settings(), OUT, console)


def _latency(_: Console, small: bool, rounds: int) -> Iterator[Row]:
    """A live call at 30 fps with voice and words: a window's end to its panes, by stage, and the floor."""
    from benchmarks import stages

    yield from stages.rows(_settings(), OUT / "bench-logs", small)


def _asr(_: Console, small: bool, rounds: int) -> Iterator[Row]:
    """The recogniser on sound whose words are known: errors, calls a core, latency, what errors do."""
    from benchmarks import asr

    yield from asr.rows(_settings(), small)


def _silence(_: Console, small: bool, rounds: int) -> Iterator[Row]:
    """The silence gates: what they make of noise, tones and music, and of speech."""
    from benchmarks import silence

    yield from silence.rows(small)


def _gateway(_: Console, small: bool, rounds: int) -> Iterator[Row]:
    """The gateway under 500 telephone calls at real time: delay to Kafka, processor time, memory."""
    from benchmarks import gateway

    yield from gateway.rows(OUT / "bench-logs", small)


def _api(_: Console, small: bool, rounds: int) -> Iterator[Row]:
    """The JSON API: a call of six hours in buckets, a thousand sessions as list, stream and moods."""
    from benchmarks import api

    yield from api.rows(small)


def _page(_: Console, small: bool, rounds: int) -> Iterator[Row]:
    """The web page in Chromium with 200 calls: first paint, first row, a new window on it."""
    from benchmarks import page

    yield from page.rows(small)


def _capacity(_: Console, small: bool, rounds: int) -> Iterator[Row]:
    """What `affectstream capacity` computes with: sizes of messages, a final in Redis, a broker's writing."""
    from benchmarks import capacity

    yield from capacity.rows(_settings(), small)


def _scale(_: Console, small: bool, rounds: int) -> Iterator[Row]:
    """One, two and four workers of each modality in one consumer group, on a backlog of calls."""
    from benchmarks import groups

    yield from groups.scale(_settings(), OUT / "bench-logs", small)


def _simulation(_: Console, small: bool, rounds: int) -> Iterator[Row]:
    """Calls in real time through workers and fusion: processor time, beside what capacity computes."""
    from benchmarks import groups

    yield from groups.simulation(_settings(), OUT / "bench-logs", small)


SECTIONS: dict[str, Section] = {
    "models": _models,
    "asr": _asr,
    "silence": _silence,
    "join": _join,
    "hour": _hour,
    "rules": _rules,
    "fusion": _fusion,
    "sessions": _sessions,
    "peers": _peers,
    "analyze": _analyze,
    "live": _live,
    "latency": _latency,
    "gateway": _gateway,
    "api": _api,
    "page": _page,
    "capacity": _capacity,
    "simulation": _simulation,
    "scale": _scale,
}
NAMES = "\n\n".join(f"{name}: {section.__doc__}" for name, section in SECTIONS.items())


def measured(name: str, small: bool, rounds: int, console: Console) -> tuple[list[Row], str]:
    """Return the rows of a section, each printed as it is there, and why it failed, empty if not."""
    rows: list[Row] = []
    begun_s = time.perf_counter()
    try:
        for row in SECTIONS[name](console, small, rounds):
            rows.append(row)
            ratio = f", x{row.ratio:.2f} {row.against}" if row.ratio else ""
            console.print(f"{row.what}: {row.value:,.1f} {row.unit}{ratio}", style="dim", highlight=False)
    except Exception as error:  # whatever it is: other sections are still to be measured
        return rows, f"{name}: {type(error).__name__}: {error}"
    console.print(f"{name} took {time.perf_counter() - begun_s:.0f} s", style="dim", highlight=False)
    return rows, ""


def table(rows: list[Row]) -> Table:
    """Return all rows as a table."""
    found = Table(title=f"{os.cpu_count()} cores, Python {platform.python_version()}")
    for column in ("what", "median", "unit", "range", "ratio", "to"):
        found.add_column(column, justify="right" if column in ("median", "ratio") else "left")
    for row in rows:
        spread = f"{row.spread[0]:,.0f} - {row.spread[1]:,.0f}" if row.spread else ""
        ratio = f"{row.ratio:.2f}" if row.ratio else ""
        found.add_row(row.what, f"{row.value:,.1f}", row.unit, spread, ratio, row.against)
    return found


def main(
    sections: Annotated[
        list[str] | None, typer.Argument(help="which to measure; default: all", metavar="SECTION")
    ] = None,
    small: Annotated[bool, typer.Option(help="tiny sizes: whether it works, not how fast")] = False,
    rounds: Annotated[int, typer.Option(min=1, help="of each measurement; the median counts")] = 3,
) -> None:
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    names = sections or list(SECTIONS)
    unknown = [name for name in names if name not in SECTIONS]
    if unknown:
        raise typer.BadParameter(f"{', '.join(unknown)}: the sections are {', '.join(SECTIONS)}")
    OUT.mkdir(exist_ok=True)
    begun_s = time.perf_counter()
    rows: list[Row] = []
    failed: list[str] = []
    for name in names:
        its, why = measured(name, small, rounds, console)
        rows += its
        failed += [why] if why else []
        (OUT / "bench.json").write_text(json.dumps([row.as_dict() for row in rows], indent=2) + "\n")
    console.print(table(rows))
    console.print(f"{time.perf_counter() - begun_s:.0f} s", style="dim")
    for why in failed:
        console.print(f"failed: {why}", style="red", markup=False, highlight=False)
    if failed:
        raise typer.Exit(1)


main.__doc__ = f"Measure speed, latency and memory; print a table and write {OUT}/bench.json.\n\n{NAMES}"

if __name__ == "__main__":
    typer.run(main)
