"""Medians of repeated runs, and rows for the table."""

import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass


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
