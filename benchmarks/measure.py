"""Medians of repeated runs, and rows for the table."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field


@dataclass(frozen=True)
class Row:
    """One measured figure, with its named alternative measured in the same run where there is one."""

    what: str
    value: float
    unit: str
    spread: tuple[float, float] | None = None  # of the runs
    against: str = ""
    ratio: float | None = None  # of the figure to the alternative's

    def as_dict(self) -> dict[str, object]:
        """Return the row for JSON."""
        return asdict(self)


RATES = {"observations/s": "per_wall_s", "observations/s of processor time": "per_cpu_s"}


@dataclass(frozen=True)
class Run:
    """What one process took for so many units of work, from the first to the last."""

    units: int
    cpu_s: float
    wall_s: float
    notes: dict[str, float] = field(default_factory=dict)

    @property
    def per_cpu_s(self) -> float:
        """Units in a second of processor time."""
        return self.units / self.cpu_s

    @property
    def per_wall_s(self) -> float:
        """Units in a second."""
        return self.units / self.wall_s


def median_of(runs: Sequence[Run], note: str) -> float:
    """Return the median of a noted figure."""
    return statistics.median(run.notes[note] for run in runs)


def ratio_of(ours: Sequence[Run], theirs: Sequence[Run], rate: str) -> float:
    """Return the median ratio of a rate, run by run: those of one round saw the same machine."""
    pairs = zip(ours, theirs, strict=True)
    return statistics.median(getattr(a, rate) / getattr(b, rate) for a, b in pairs)


def rate(work: Callable[[], int]) -> float:
    """Return units of work per second of one run; ``work`` returns how many units it did."""
    begin = time.perf_counter()
    units = work()
    return units / (time.perf_counter() - begin)


def compare(
    what: str, unit: str, ours: Callable[[], int], against: str, theirs: Callable[[], int], rounds: int = 5
) -> Row:
    """Return the median rate of ``ours``, and its ratio to ``theirs`` pair by pair, after a warm-up."""
    ours(), theirs()
    pairs = [(rate(ours), rate(theirs)) for _ in range(rounds)]
    rates = [a for a, _ in pairs]
    return Row(
        what,
        statistics.median(rates),
        unit,
        (min(rates), max(rates)),
        against,
        statistics.median(a / b for a, b in pairs),
    )


def percentile(values: list[float], share: float) -> float:
    """Return the value below which ``share`` of the values lie, by the nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
