"""Lines of the table of aims: what was asked, what was reached and on which data; imports the siblings."""

import os
import time
from collections.abc import Callable

import numpy as np

from models.evaluation.figures import summary
from models.evaluation.intervals import DRAWS, intervals
from models.evaluation.outcome import Aim, Outcome

MOST_ECE = 0.03


def at_least(title: str, outcome: Outcome, figure: str, bound: float | None, draws: int = DRAWS) -> Aim:
    """Return the line of a figure that should be high; ``None`` asks for nothing."""
    found = intervals(outcome, draws)[figure]
    met = None if bound is None else found.value >= bound
    reached = f"{found.value:.3f} [{found.low:.3f}, {found.high:.3f}]"
    return _line(title, "" if bound is None else f">= {bound:g}", reached, met, outcome)


def calibrated(outcome: Outcome) -> Aim:
    """Return the line of the expected calibration error.

    It has no interval: redrawing adds noise to every bin, so that the redrawn values lie above the figure.
    """
    error = summary(outcome.after, outcome.labels)["ece"]
    return _line("ECE", f"<= {MOST_ECE:g}", f"{error:.3f}", error <= MOST_ECE, outcome)


def from_card(title: str, value: float, bound: float, at_most: bool = False) -> Aim:
    """Return the line of a figure that the card states."""
    met = value <= bound if at_most else value >= bound
    return Aim(
        title, f"{'<=' if at_most else '>='} {bound:g}", f"{value:.3f} (as the card states)", met, None
    )


def fewer(title: str, value: float, bound: float, unit: str) -> Aim:
    """Return the line of a cost measured here."""
    reached = f"{value:,.0f}" if value >= 100 else f"{value:.1f}"
    return Aim(title, f"< {bound:,g} {unit}", f"{reached} {unit}", value < bound, None)


def milliseconds(call: Callable[[], object], times: int = 60) -> float:
    """Return the median time of ``call`` after a few calls to warm up."""
    taken = []
    for _ in range(times + 5):
        start = time.perf_counter()
        call()
        taken.append((time.perf_counter() - start) * 1000)
    return float(np.median(taken[5:]))


def machine() -> str:
    """Return what the times were measured on, with the load of others at that moment."""
    return f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f} when the measurement began"


def _line(title: str, aim: str, reached: str, met: bool | None, outcome: Outcome) -> Aim:
    return Aim(title, aim, reached, met, outcome.about, len(outcome.labels), len(set(outcome.groups)))
