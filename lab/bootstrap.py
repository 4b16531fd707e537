"""Bootstrap intervals over whole groups (speakers, dialogues), of one model and of two on the same items.

Every figure here is a function of sums over items, so a draw is one row of a matrix product.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from affectstream.lab.evaluation.outcome import Outcome
from affectstream.lab.statistics import BINS, Floats, log_likelihoods
from affectstream.schemas.errors import InputError
from affectstream.schemas.labels import N_EMOTIONS

DRAWS = 2000
CELLS = N_EMOTIONS**2
AT_ONCE = 200  # draws, so that the matrix of draws stays small
LEVEL = 0.95


@dataclass(frozen=True)
class Interval:
    """A figure with the ends of its bootstrap interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Difference:
    """By how much the second model is above the first, on the same items."""

    figure: str
    first: float
    second: float
    low: float
    high: float

    @property
    def clear(self) -> bool:
        """Tell whether the interval leaves out zero."""
        return self.low > 0 or self.high < 0


def intervals(
    outcome: Outcome, draws: int = DRAWS, level: float = LEVEL, seed: int = 0
) -> dict[str, Interval]:
    """Return every figure with its percentile interval when whole groups are redrawn."""
    sums = _sums_by_group(outcome)
    values = _resampled(sums, draws, seed)
    whole = figures_of(sums.sum(axis=0, keepdims=True))
    return {name: _interval(float(whole[name][0]), values[name], level) for name in whole}


def paired(
    first: Outcome, second: Outcome, draws: int = DRAWS, level: float = LEVEL, seed: int = 0
) -> tuple[Difference, ...]:
    """Return the differences of ``second`` to ``first``, redrawn alike; InputError for other items."""
    if first.groups != second.groups or not np.array_equal(first.labels, second.labels):
        raise InputError(f"{first.about.name}: the two runs did not predict the same items in the same order")
    sums = [_sums_by_group(outcome) for outcome in (first, second)]
    a, b = (_resampled(s, draws, seed) for s in sums)
    a_whole, b_whole = (figures_of(s.sum(axis=0, keepdims=True)) for s in sums)
    found = []
    for name in a_whole:
        ends = _interval(0.0, b[name] - a[name], level)
        found.append(Difference(name, float(a_whole[name][0]), float(b_whole[name][0]), ends.low, ends.high))
    return tuple(found)


def mean_interval(
    values: Floats, groups: npt.NDArray[np.str_], draws: int, level: float = LEVEL, seed: int = 0
) -> Interval:
    """Return the mean of ``values`` (n,) with its percentile interval when whole ``groups`` are redrawn."""
    names, number = np.unique(groups, return_inverse=True)
    n = len(names)
    sums, sizes = np.bincount(number, weights=values), np.bincount(number).astype(np.float64)
    times = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=draws)  # (draws, groups)
    return _interval(float(values.mean()), (times @ sums) / (times @ sizes), level)


def figures_of(sums: Floats) -> dict[str, Floats]:
    """Return the figures (draws,) of summed items (draws, d): confusion, losses and bins of confidence."""
    confusion = sums[:, :CELLS].reshape(-1, N_EMOTIONS, N_EMOTIONS)
    n = confusion.sum(axis=(1, 2))
    right = np.diagonal(confusion, axis1=1, axis2=2)  # (draws, 7)
    support, said = confusion.sum(axis=2), confusion.sum(axis=1)
    occurs = support > 0
    classes = occurs.sum(axis=1)
    f1 = 2 * right / np.maximum(support + said, 1)
    bins = sums[:, CELLS + 2 :]
    return {
        "accuracy": right.sum(axis=1) / n,
        "uar": (right / np.maximum(support, 1)).sum(axis=1) / classes,
        "macro_f1": np.where(occurs, f1, 0).sum(axis=1) / classes,
        "weighted_f1": (f1 * support).sum(axis=1) / n,
        "nll": sums[:, CELLS] / n,
        "brier": sums[:, CELLS + 1] / n,
        "ece": np.abs(bins).sum(axis=1) / n,
    }


def _sums_by_group(outcome: Outcome) -> Floats:
    """Return what every group (groups, d) adds: confusion, NLL, Brier, right minus confidence by bin."""
    labels, p = outcome.labels, outcome.after
    n = len(labels)
    said, confidence = p.argmax(axis=1), p.max(axis=1)
    rows = np.zeros((n, CELLS + 2 + BINS))
    each = np.arange(n)
    rows[each, labels * N_EMOTIONS + said] = 1
    rows[:, CELLS] = -log_likelihoods(p, labels)
    rows[:, CELLS + 1] = ((p - np.eye(N_EMOTIONS)[labels]) ** 2).sum(axis=1)
    which = np.minimum((confidence * BINS).astype(int), BINS - 1)
    rows[each, CELLS + 2 + which] = (said == labels) - confidence
    return _added(rows, outcome.groups)


def _added(rows: Floats, groups: Sequence[Hashable]) -> Floats:
    numbers: dict[Hashable, int] = {}
    which = np.array([numbers.setdefault(group, len(numbers)) for group in groups])
    sums = np.zeros((len(numbers), rows.shape[1]))
    np.add.at(sums, which, rows)
    return sums


def _resampled(sums: Floats, draws: int, seed: int) -> dict[str, Floats]:
    rng = np.random.default_rng(seed)
    groups = len(sums)
    parts = []
    for start in range(0, draws, AT_ONCE):
        size = min(AT_ONCE, draws - start)
        times = rng.multinomial(groups, np.full(groups, 1 / groups), size=size)  # (size, groups)
        parts.append(times @ sums)
    return figures_of(np.concatenate(parts))


def _interval(value: float, values: Floats, level: float) -> Interval:
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return Interval(value, float(low), float(high))
