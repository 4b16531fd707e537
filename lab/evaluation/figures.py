"""Summary figures, curves and per-part tables of predictions.

Risk and coverage: El-Yaniv and Wiener, JMLR 2010.
"""

from dataclasses import dataclass

import numpy as np
from sklearn.metrics import auc, average_precision_score, cohen_kappa_score, precision_recall_curve, roc_curve

from affectstream.lab import statistics
from affectstream.lab.evaluation.outcome import Outcome
from affectstream.lab.statistics import BINS, Floats, Labels
from affectstream.schemas.labels import EMOTIONS


@dataclass(frozen=True)
class Curve:
    """One line of a plot and the area under it."""

    emotion: str
    x: Floats
    y: Floats
    area: float


@dataclass(frozen=True)
class Reliability:
    """What happened in each bin of the top probability; empty bins are left out."""

    confidence: Floats  # mean top probability
    accuracy: Floats
    share: Floats  # of all items
    ece: float


@dataclass(frozen=True)
class PartRow:
    """The figures of one part of a set, such as the female actors."""

    kind: str
    value: str
    n: int
    groups: int
    accuracy: float
    uar: float
    macro_f1: float
    ece: float


def summary(probabilities: Floats, labels: Labels) -> dict[str, float]:
    """Return every figure that is one number."""
    said = probabilities.argmax(axis=1)
    first_two = np.argsort(-probabilities, axis=1, kind="stable")[:, :2]
    return {
        "accuracy": statistics.accuracy(labels, said),
        "uar": statistics.uar(labels, said),
        "macro_f1": statistics.macro_f1(labels, said),
        "weighted_f1": statistics.weighted_f1(labels, said),
        "top_2": float((first_two == labels[:, None]).any(axis=1).mean()),
        "kappa": float(cohen_kappa_score(labels, said)) if len(np.unique(labels)) > 1 else 0.0,
        "nll": statistics.nll(probabilities, labels),
        "brier": statistics.brier(probabilities, labels),
        "ece": statistics.ece(probabilities, labels),
        "ece_adaptive": statistics.ece_adaptive(probabilities, labels),
        "aurc": risk_coverage(probabilities, labels).area,
        "roc_auc": _mean([c.area for c in roc(probabilities, labels)]),
        "pr_auc": _mean([c.area for c in precision_recall(probabilities, labels)]),
    }


def reliability(probabilities: Floats, labels: Labels, bins: int = BINS) -> Reliability:
    """Return the reliability diagram over equal-width bins of the top probability."""
    confidence = probabilities.max(axis=1)
    right = (probabilities.argmax(axis=1) == labels).astype(np.float64)
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    count = np.bincount(which, minlength=bins).astype(np.float64)
    full = count > 0
    return Reliability(
        np.bincount(which, confidence, bins)[full] / count[full],
        np.bincount(which, right, bins)[full] / count[full],
        count[full] / len(labels),
        statistics.ece(probabilities, labels, bins),
    )


def risk_coverage(probabilities: Floats, labels: Labels) -> Curve:
    """Return the error among the most confident share of the items, for every share, and its mean."""
    order = np.argsort(-probabilities.max(axis=1), kind="stable")
    wrong = (probabilities.argmax(axis=1) != labels)[order]
    taken = np.arange(1, len(labels) + 1)
    risk = np.cumsum(wrong) / taken
    return Curve("all", taken / len(labels), risk, float(risk.mean()))


def risk_at(curve: Curve, coverage: float) -> float:
    """Return the error when the ``coverage`` most confident share of the items is answered."""
    return float(curve.y[max(0, round(coverage * len(curve.y)) - 1)])


def roc(probabilities: Floats, labels: Labels) -> tuple[Curve, ...]:
    """Return one curve per emotion against the rest; those without both kinds of items are left out."""
    curves = []
    for i, emotion in _present(labels):
        x, y, _ = roc_curve(labels == i, probabilities[:, i])
        curves.append(Curve(emotion, x, y, float(auc(x, y))))
    return tuple(curves)


def precision_recall(probabilities: Floats, labels: Labels) -> tuple[Curve, ...]:
    """Return precision against recall per emotion; the area is the average precision."""
    curves = []
    for i, emotion in _present(labels):
        precision, recall, _ = precision_recall_curve(labels == i, probabilities[:, i])
        area = average_precision_score(labels == i, probabilities[:, i])
        curves.append(Curve(emotion, recall[::-1], precision[::-1], float(area)))
    return tuple(curves)


def part_rows(outcome: Outcome) -> tuple[PartRow, ...]:
    """Return the figures of every part that is known of, in the order of its name."""
    rows = []
    for kind, values in outcome.parts.items():
        for value in sorted(set(values)):
            inside = np.array([v == value for v in values])
            p, labels = outcome.after[inside], outcome.labels[inside]
            said = p.argmax(axis=1)
            groups = {g for g, kept in zip(outcome.groups, inside, strict=True) if kept}
            scores = (
                statistics.accuracy(labels, said),
                statistics.uar(labels, said),
                statistics.macro_f1(labels, said),
            )
            rows.append(PartRow(kind, value, len(labels), len(groups), *scores, statistics.ece(p, labels)))
    return tuple(rows)


def _present(labels: Labels) -> list[tuple[int, str]]:
    return [(i, e) for i, e in enumerate(EMOTIONS) if 0 < int((labels == i).sum()) < len(labels)]


def _mean(values: list[float]) -> float:
    return float(np.mean(values)) if values else float("nan")
