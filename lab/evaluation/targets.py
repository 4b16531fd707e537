"""Targets of an evaluation: what was wanted, what was reached, on which data."""

import os
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch

from affectstream.lab.bootstrap import DRAWS, intervals
from affectstream.lab.evaluation.figures import summary
from affectstream.lab.evaluation.outcome import Outcome, Target
from affectstream.lab.statistics import ece_of_calibrated

MOST_ECE = 0.03
WARM_UP = 5


class Timing(NamedTuple):
    """The median, and the shortest: what it takes when nothing else runs."""

    median_ms: float
    shortest_ms: float


def at_least(title: str, outcome: Outcome, figure: str, bound: float | None, draws: int = DRAWS) -> Target:
    """Return the line of a figure that should be high; ``None`` asks for nothing."""
    found = intervals(outcome, draws)[figure]
    met = None if bound is None else found.value >= bound
    reached = f"{found.value:.3f} [{found.low:.3f}, {found.high:.3f}]"
    return _line(title, "" if bound is None else f">= {bound:g}", reached, met, outcome)


def calibrated(outcome: Outcome, title: str = "ECE") -> Target:
    """Return the line of the expected calibration error.

    It has no interval: redrawing adds noise to every bin, so that the redrawn values lie above the figure.
    Beside it stands what a perfectly calibrated model would measure on this sample.
    """
    error = summary(outcome.after, outcome.labels)["ece"]
    chance = ece_of_calibrated(outcome.after)
    expected = (
        f"a perfectly calibrated model: {chance.mean():.3f}, 95 % below {np.quantile(chance, 0.95):.3f}"
    )
    return _line(title, f"<= {MOST_ECE:g}", f"{error:.3f} ({expected})", error <= MOST_ECE, outcome)


def from_card(title: str, value: float, bound: float, at_most: bool = False) -> Target:
    """Return the line of a figure that the card states."""
    met = value <= bound if at_most else value >= bound
    return Target(
        title, f"{'<=' if at_most else '>='} {bound:g}", f"{value:.3f} (as the card states)", met, None
    )


def fewer(title: str, value: int, bound: int, unit: str) -> Target:
    """Return the line of a count that should be small."""
    return Target(title, f"< {bound:,} {unit}", f"{value:,} {unit}", value < bound, None)


def faster(title: str, timing: Timing, bound_ms: int) -> Target:
    """Return the line of a time measured here, judged by the shortest run."""
    reached = f"{timing.shortest_ms:.1f} ms (median {timing.median_ms:.1f})"
    return Target(title, f"< {bound_ms} ms", reached, timing.shortest_ms < bound_ms, None)


def timed(call: Callable[[], object], times: int, clock: Callable[[], float] = time.perf_counter) -> Timing:
    """Return how long ``call`` takes by ``clock``, after a few calls to warm up."""
    taken = []
    for _ in range(times + WARM_UP):
        start = clock()
        call()
        taken.append((clock() - start) * 1000)
    return Timing(float(np.median(taken[WARM_UP:])), min(taken[WARM_UP:]))


def machine() -> str:
    """Return what the times were measured on, with the load of others at that moment."""
    processors, load, threads = os.cpu_count(), os.getloadavg()[0], torch.get_num_threads()
    return (
        f"{processors} processors with a load of {load:.1f}, with {threads} of torch's threads, and is "
        "judged by the shortest run, which waited least for others; the median is beside it"
    )


def _line(title: str, wanted: str, reached: str, met: bool | None, outcome: Outcome) -> Target:
    return Target(title, wanted, reached, met, outcome.about, len(outcome.labels), len(set(outcome.groups)))
