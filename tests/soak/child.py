"""One target in a process of its own, with limits: `python -m soak.child TARGET HOW COUNT SEED`.

An input that takes too much processor time, or brings the process down, ends it; the parent reads the number
of that input from the file that RUNNING names.
"""

import json
import logging
import mmap
import os
import random
import resource
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import structlog

LONGEST_S = 10.0  # of processor time for one input
STEP = 1_000_003
RUNNING = "SOAK_RUNNING"


@dataclass
class Outcome:
    """What became of the inputs of one target."""

    target: str
    how: str
    inputs: int = 0
    accepted: int = 0
    cpu_s: float = 0.0
    wall_s: float = 0.0  # of the whole process
    slowest_ms: float = 0.0
    peak_mb: int = 0
    findings: dict[str, int] = field(default_factory=dict)  # what was raised, and by which input first

    def with_more(self, other: "Outcome") -> "Outcome":
        """Return this and what became of further inputs, as one."""
        return Outcome(
            self.target,
            self.how,
            self.inputs + other.inputs,
            self.accepted + other.accepted,
            self.cpu_s + other.cpu_s,
            self.wall_s + other.wall_s,
            max(self.slowest_ms, other.slowest_ms),
            max(self.peak_mb, other.peak_mb),
            other.findings | self.findings,
        )


def read_outcome(path: Path) -> Outcome:
    """Return the outcome that a child wrote."""
    return Outcome(**json.loads(path.read_text()))


def input_of(seeds: Any, seed: int, number: int) -> bytes:
    """Return the hostile input of that number."""
    from soak.mutation import mutated

    return mutated(random.Random(seed * STEP + number), seeds)


def fed(target: Any, count: int, seed: int, before: Callable[[int], None] = lambda number: None) -> Outcome:
    """Feed so many mutated inputs to a target in this process."""
    outcome, seeds = Outcome(target.name, "mutation"), target.seeds()
    for number in range(count):
        before(number)
        _attempt(target, input_of(seeds, seed, number), outcome)
    return outcome


def _attempt(target: Any, data: bytes, outcome: Outcome) -> None:
    from affectstream.schemas.errors import AffectError

    began_s = time.process_time()
    try:
        outcome.accepted += bool(target.attempt(data))
    except AffectError:
        pass
    except Exception as error:
        outcome.findings.setdefault(_place(error), outcome.inputs)
    took_s = time.process_time() - began_s
    outcome.inputs += 1
    outcome.cpu_s += took_s
    outcome.slowest_ms = max(outcome.slowest_ms, took_s * 1000)


def _place(error: Exception) -> str:
    """Return the kind of an error and the line of the project that it came through last."""
    trace, where = error.__traceback__, "?"
    while trace:
        code = trace.tb_frame.f_code
        if "soak" not in code.co_filename and "site-packages" not in code.co_filename:
            where = f"{Path(code.co_filename).name}:{trace.tb_lineno}"
        trace = trace.tb_next
    return f"{type(error).__name__} at {where}"


def _by_hypothesis(target: Any, count: int, seed: int, before: Callable[[int], None]) -> Outcome:
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis import seed as seeded
    from soak.strategies import inputs

    outcome = Outcome(target.name, "hypothesis")

    @seeded(seed)
    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(inputs(target.seeds()))
    def attempt(data: bytes) -> None:
        before(outcome.inputs)
        _attempt(target, data, outcome)

    attempt()
    return outcome


def _by_atheris(name: str, count: int, seed: int, before: Callable[[int], None]) -> None:
    """Feed inputs that atheris makes, guided by the lines they reach; ends the process, as libFuzzer does."""
    import atheris

    modules = _modules_of(name)
    with atheris.instrument_imports(include=list(modules), enable_loader_override=False):
        from soak.targets import all_targets

        target = all_targets()[name]
    outcome = Outcome(name, "atheris")

    def attempt(data: bytes) -> None:
        before(outcome.inputs)
        _attempt(target, data, outcome)
        if outcome.inputs == count:
            report(outcome)

    with TemporaryDirectory() as folder:
        for number, each in enumerate(target.seeds()):
            (Path(folder) / str(number)).write_bytes(each)
        options = [f"-runs={count}", f"-seed={seed}", "-max_len=8192", "-rss_limit_mb=2048", "-verbosity=0"]
        atheris.Setup([sys.argv[0], *options, folder], attempt)
        atheris.Fuzz()


def _modules_of(name: str) -> tuple[str, ...]:
    if name in ("codec", "observations"):
        return ("affectstream.schemas",)
    return ("affectstream.producers",)


def report(outcome: Outcome) -> None:
    """Write an outcome to where the parent reads it."""
    outcome.peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    Path(os.environ[RUNNING]).with_suffix(".json").write_text(json.dumps(asdict(outcome)))


def main(name: str, how: str, count: int, seed: int) -> None:
    """Feed a target under limits."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    running = mmap.mmap(os.open(os.environ[RUNNING], os.O_RDWR), 8)

    def before(number: int) -> None:
        running[:8] = number.to_bytes(8, "little")
        signal.setitimer(signal.ITIMER_PROF, LONGEST_S)  # nobody handles its signal: the process ends

    if how == "atheris":
        _by_atheris(name, count, seed, before)
        return
    from soak.targets import all_targets

    target = all_targets()[name]
    limit = target.largest_mb << 20
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    feed = _by_hypothesis if how == "hypothesis" else fed
    report(feed(target, count, seed, before))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
