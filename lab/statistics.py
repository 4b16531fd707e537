"""Figures of a classifier: accuracy, recall and F1, likelihood, calibration error, temperature scaling.

Expected calibration error and temperature scaling: Guo et al., "On Calibration of Modern Neural Networks",
ICML 2017.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, precision_recall_fscore_support

from affectstream.schemas.labels import EMOTIONS, N_EMOTIONS

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]

FLOOR = 1e-12  # a probability below it costs no more than it
BINS = 15  # of the top probability


@dataclass(frozen=True)
class ClassRow:
    """One line of the per-class table."""

    emotion: str
    precision: float
    recall: float
    f1: float
    support: int


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


def log_likelihoods(probabilities: Floats, labels: Labels) -> Floats:
    """Return the log likelihood (n,) of ``labels`` under ``probabilities`` (n, 7), never below log FLOOR."""
    return np.asarray(np.log(np.maximum(probabilities[np.arange(len(labels)), labels], FLOOR)))


def nll(probabilities: Floats, labels: Labels) -> float:
    """Return the mean negative log likelihood of ``labels`` (n,) under ``probabilities`` (n, 7)."""
    return float(-log_likelihoods(probabilities, labels).mean())


def cross_entropy(logits: Floats, labels: Labels, temperature: float = 1.0) -> float:
    """Return the mean negative log likelihood of ``labels`` (n,) under ``logits`` (n, 7) / temperature."""
    rows = log_softmax(logits / temperature, axis=1)
    return float(-rows[np.arange(len(labels)), labels].mean())


def brier(probabilities: Floats, labels: Labels) -> float:
    """Return the mean squared distance of the probabilities (n, 7) from the one-hot labels, in [0, 2]."""
    return float(((probabilities - np.eye(probabilities.shape[1])[labels]) ** 2).sum(axis=1).mean())


def fit_temperature(logits: Floats, labels: Labels) -> float:
    """Return the temperature that minimises the negative log likelihood; the argmax never changes."""
    best = minimize_scalar(
        lambda log_t: cross_entropy(logits, labels, float(np.exp(log_t))),
        bounds=(-3.0, 3.0),
        method="bounded",
    )
    return float(np.exp(best.x))


def scaled(logits: Floats, temperature: float | Floats = 1.0) -> Floats:
    """Return the probabilities (n, 7) of ``logits`` (n, 7) / temperature, one or one a row (n, 1)."""
    return np.asarray(softmax(logits / temperature, axis=1), dtype=np.float64)


def log(probabilities: Floats) -> Floats:
    """Return logarithms, finite for a probability that was rounded to zero."""
    return np.asarray(np.log(np.maximum(probabilities, 1e-300)))


def uncalibrated(probabilities: Floats, temperature: float | Floats) -> Floats:
    """Return the probabilities (n, 7) of a network before its logits were divided by ``temperature``.

    That is one, or one a row (n, 1).
    """
    return np.asarray(softmax(temperature * log(probabilities), axis=1), dtype=np.float64)


def ece(probabilities: Floats, labels: Labels, bins: int = BINS) -> float:
    """Return the expected calibration error over ``bins`` equal-width bins of the top probability."""
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == labels
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    gap = 0.0
    for b in range(bins):
        inside = which == b
        if inside.any():
            gap += inside.mean() * abs(correct[inside].mean() - confidence[inside].mean())
    return float(gap)


def ece_adaptive(probabilities: Floats, labels: Labels, bins: int = BINS) -> float:
    """Return the calibration error over ``bins`` bins that hold equally many items."""
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    parts = np.array_split(np.argsort(confidence, kind="stable"), min(bins, len(labels)))
    return float(sum(len(p) * abs(right[p].mean() - confidence[p].mean()) for p in parts) / len(labels))


def ece_of_calibrated(probabilities: Floats, draws: int = 200, seed: int = 0, bins: int = BINS) -> Floats:
    """Return the calibration errors (draws,) that a perfectly calibrated model would measure.

    The error of a finite set is above zero even then: labels are drawn from the probabilities themselves
    (Vaicenavicius et al., "Evaluating model calibration in classification", AISTATS 2019).
    """
    rng = np.random.default_rng(seed)
    edges = probabilities.cumsum(axis=1)
    drawn = (rng.random((draws, len(edges), 1)) * edges[:, -1:] > edges).sum(axis=2)
    return np.array([ece(probabilities, labels, bins) for labels in drawn])
