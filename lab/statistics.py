"""Figures of a classifier and their uncertainty.

NLL and ECE are in ``affectstream.lab.calibration``.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, precision_recall_fscore_support

from affectstream.schemas.labels import EMOTIONS, N_EMOTIONS

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]
Metric = Callable[[Labels, Labels], float]


@dataclass(frozen=True)
class ClassRow:
    """One line of the per-class table."""

    emotion: str
    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True)
class Interval:
    """A figure with the ends of its bootstrap interval."""

    value: float
    low: float
    high: float


def accuracy(labels: Labels, predicted: Labels) -> float:
    """Return the share of right predictions."""
    return float(accuracy_score(labels, predicted))


def uar(labels: Labels, predicted: Labels) -> float:
    """Return the unweighted average recall over the classes that occur in ``labels``."""
    recalls = [float((predicted[labels == c] == c).mean()) for c in np.unique(labels)]
    return float(np.mean(recalls))


def macro_f1(labels: Labels, predicted: Labels) -> float:
    """Return the mean F1 over the classes that occur in ``labels``."""
    return float(f1_score(labels, predicted, labels=np.unique(labels), average="macro", zero_division=0.0))


def weighted_f1(labels: Labels, predicted: Labels) -> float:
    """Return the mean F1 weighted by the support of each class."""
    return float(f1_score(labels, predicted, labels=np.unique(labels), average="weighted", zero_division=0.0))


def brier(probabilities: Floats, labels: Labels) -> float:
    """Return the mean squared distance of the probabilities (n, 7) from the one-hot labels, in [0, 2]."""
    return float(((probabilities - np.eye(probabilities.shape[1])[labels]) ** 2).sum(axis=1).mean())


def confusion(labels: Labels, predicted: Labels) -> npt.NDArray[np.int64]:
    """Return counts (7, 7): the row is the true class, the column the predicted one."""
    return np.asarray(confusion_matrix(labels, predicted, labels=range(N_EMOTIONS)), dtype=np.int64)


def per_class(labels: Labels, predicted: Labels) -> tuple[ClassRow, ...]:
    """Return precision, recall, F1 and support of every emotion, in the order of EMOTIONS."""
    columns = precision_recall_fscore_support(labels, predicted, labels=range(N_EMOTIONS), zero_division=0.0)
    return tuple(
        ClassRow(emotion, float(p), float(r), float(f), int(n))
        for emotion, p, r, f, n in zip(EMOTIONS, *columns, strict=True)
    )


def bootstrap(
    metric: Metric,
    labels: Labels,
    predicted: Labels,
    groups: Sequence[Hashable],
    draws: int = 2000,
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Return ``metric`` with its percentile interval when whole groups (speakers, dialogues) are redrawn."""
    rng = np.random.default_rng(seed)
    keys: dict[Hashable, int] = {}
    number = np.array([keys.setdefault(group, len(keys)) for group in groups])
    members = [np.flatnonzero(number == k) for k in range(len(keys))]
    values = []
    for _ in range(draws):
        rows = np.concatenate([members[k] for k in rng.integers(len(members), size=len(members))])
        values.append(metric(labels[rows], predicted[rows]))
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return Interval(metric(labels, predicted), float(low), float(high))
