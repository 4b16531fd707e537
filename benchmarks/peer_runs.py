"""Peers on the same log in the same run, each in an environment of its own, made when first asked for."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from affectstream.runtime.process import die_with_parent
from affectstream.schemas.topics import PROBABILITIES
from benchmarks import fusion
from benchmarks.measure import Row, Run, ratio_of
from benchmarks.servers import preload, running
from benchmarks.workload import Load, Record, records

FOLDER = Path(__file__).parent / "peers"
CACHE = Path(".cache") / "peers"
PEERS = {
    "aiokafka_fold": "bare aiokafka with a plain fold",
    "bytewax_fold": "Bytewax, whose windows stay open, so no means",
    "quixstreams_fold": "Quix Streams",
    "faust_fold": "a bare Faust agent",
}
INSTALL_S = 600
RUN_S = 300


class NotMeasured(Exception):
    """A peer cannot be installed, or did not finish; the text says why."""


def rows(small: bool, rounds: int) -> Iterator[Row]:
    """Yield the fusion process's rate and each peer's in the same rounds, with ours to theirs as ratio."""
    load = fusion.SMALL[0] if small else fusion.LOADS[0]
    log = records(load)
    peers = list(available())
    ours: list[Run] = []
    theirs: dict[str, list[Run]] = {peer: [] for peer in peers}
    for _ in range(rounds):
        ours.append(fusion.run(load, log))
        for peer in list(theirs):
            try:
                theirs[peer].append(run(peer, load, log))
            except NotMeasured as error:
                sys.stderr.write(f"{PEERS[peer]}: skipped, {error}\n")
                del theirs[peer]
    yield from list(fusion.figures(f"fusion process, {load}", ours, None))[:2]
    for peer, its in theirs.items():
        what = f"{PEERS[peer]}, the same log, nothing written"
        for unit, name in (
            ("observations/s", "per_wall_s"),
            ("observations/s of processor time", "per_cpu_s"),
        ):
            values = [getattr(each, name) for each in its]
            ratio = ratio_of(ours, its, name)
            yield Row(what, statistics.median(values), unit, (min(values), max(values)), "ours to it", ratio)


def environment(peer: str) -> Path:
    """Return the Python of a peer's environment, with the versions that its requirements pin."""
    folder, wanted = CACHE / peer, (FOLDER / f"{peer}.txt").read_text(encoding="utf-8")
    python, installed = folder / "bin" / "python", folder / "installed.txt"
    if installed.is_file() and installed.read_text(encoding="utf-8") == wanted:
        return python
    commands = (
        [sys.executable, "-m", "venv", "--clear", str(folder)],
        [str(python), "-m", "pip", "install", "--quiet", "--requirement", str(FOLDER / f"{peer}.txt")],
    )
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_S)
        if done.returncode:
            raise NotMeasured(_last_line(done.stderr) or "it cannot be installed")
    installed.write_text(wanted, encoding="utf-8")
    return python


def run(peer: str, load: Load, log: Sequence[Record]) -> Run:
    """Return what one run of a peer took, from its first record to its last; raises NotMeasured."""
    python = environment(peer).absolute()
    with running() as servers, tempfile.TemporaryDirectory() as folder:
        preload(servers.bootstrap, log)
        command = [str(python), str(FOLDER.absolute() / f"{peer}.py"), servers.bootstrap]
        process = subprocess.Popen(
            [*command, PROBABILITIES.name, str(load.observations)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=folder,
            env={**os.environ, "PYTHONWARNINGS": "ignore"},
            preexec_fn=die_with_parent,
        )
        try:
            out, err = process.communicate(timeout=RUN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            _, err = process.communicate()
            raise NotMeasured(f"not done after {RUN_S} s; {_last_line(err)}") from None
    lines = [line for line in out.splitlines() if line.startswith("{")]
    if not lines:
        raise NotMeasured(_last_line(err) or f"it ended with {process.returncode}")
    figures = json.loads(lines[-1])
    return Run(load.observations, figures["cpu_s"], figures["wall_s"])


def available() -> Iterator[str]:
    """Yield the peers that can be installed; says of the others why they cannot."""
    for peer, name in PEERS.items():
        try:
            environment(peer)
        except (NotMeasured, subprocess.TimeoutExpired, OSError) as error:
            sys.stderr.write(f"{name}: skipped, {error}\n")
        else:
            yield peer


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else ""
