"""Plots of predictions as PNG bytes.

The same predictions give the same bytes: no date and no version is written into the file.
"""

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from affectstream.lab import statistics
from affectstream.lab.evaluation import figures
from affectstream.lab.evaluation.outcome import Outcome, Point
from affectstream.schemas.labels import COLOURS, EMOTIONS, N_EMOTIONS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DPI = 90
DARK = 0.5  # share above which a cell of the confusion matrix is written in white
GRAY = "#5f6368"
PANEL = 3.4  # inches


def overview(outcome: Outcome) -> bytes:
    """Return confusion, reliability, risk and coverage, ROC and precision-recall curves of one set."""
    figure, axes = _figure(2, 3)
    confusion(axes[0, 0], outcome)
    reliability(axes[0, 1], outcome)
    risk_coverage(axes[0, 2], outcome)
    roc(axes[1, 0], outcome)
    precision_recall(axes[1, 1], outcome)
    _legend(axes[1, 2], *axes[1, 1].get_legend_handles_labels())
    return _png(figure)


def robustness(points: Sequence[Point], figure_name: str, clean: float) -> bytes:
    """Return one panel per condition: ``figure_name`` against severity, the clean input dashed."""
    conditions = list(dict.fromkeys(p.condition for p in points))
    columns = min(3, len(conditions))
    rows = -(-len(conditions) // columns)
    figure, axes = _figure(rows, columns)
    for ax, condition in zip(axes.flat, conditions, strict=False):
        mine = [p for p in points if p.condition == condition]
        ax.plot(range(len(mine)), [p.figures[figure_name] for p in mine], "o-", color="#1d6996")
        ax.axhline(clean, color=GRAY, linestyle="--", linewidth=1)
        ax.set(title=condition, xlabel=mine[0].unit, ylabel=figure_name, ylim=(0, 1))
        ax.set_xticks(range(len(mine)), [f"{p.severity:g}" for p in mine])
    for ax in list(axes.flat)[len(conditions) :]:
        ax.axis("off")
    return _png(figure)


def confusion(ax: "Axes", outcome: Outcome) -> None:
    """Draw the share of each true class (row) that was called what (column), and the counts."""
    counts = statistics.confusion(outcome.labels, outcome.after.argmax(axis=1))
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    ax.imshow(share, cmap="Blues", vmin=0, vmax=1)
    for i in range(N_EMOTIONS):
        for j in range(N_EMOTIONS):
            colour = "white" if share[i, j] > DARK else "black"
            ax.text(j, i, str(counts[i, j]), ha="center", va="center", fontsize=6, color=colour)
    ax.set_xticks(range(N_EMOTIONS), EMOTIONS, rotation=60)
    ax.set_yticks(range(N_EMOTIONS), EMOTIONS)
    ax.set(title="confusion", xlabel="predicted", ylabel="true")


def reliability(ax: "Axes", outcome: Outcome) -> None:
    """Draw accuracy against confidence before and after the temperature."""
    ax.plot([0, 1], [0, 1], color=GRAY, linestyle="--", linewidth=1)
    for name, p, colour in (("before", outcome.before, "#cc503e"), ("after", outcome.after, "#1d6996")):
        r = figures.reliability(p, outcome.labels)
        ax.plot(r.confidence, r.accuracy, "-", color=colour, linewidth=1, label=f"{name}: ECE {r.ece:.3f}")
        ax.scatter(r.confidence, r.accuracy, s=6 + 120 * r.share, color=colour)
    ax.set(title="reliability", xlabel="top probability", ylabel="accuracy", xlim=(0, 1), ylim=(0, 1))
    ax.legend(fontsize=7, loc="upper left")


def risk_coverage(ax: "Axes", outcome: Outcome) -> None:
    """Draw the error among the most confident items."""
    curve = figures.risk_coverage(outcome.after, outcome.labels)
    kept = np.unique(np.linspace(len(curve.x) // 50, len(curve.x) - 1, 200).astype(int))
    ax.plot(curve.x[kept], curve.y[kept], color="#1d6996")
    ax.set(title=f"risk and coverage, area {curve.area:.3f}", xlabel="share answered", ylabel="error")
    ax.set(xlim=(0, 1), ylim=(0, None))


def roc(ax: "Axes", outcome: Outcome) -> None:
    """Draw one ROC curve per emotion."""
    ax.plot([0, 1], [0, 1], color=GRAY, linestyle="--", linewidth=1)
    _curves(ax, figures.roc(outcome.after, outcome.labels))
    ax.set(title="ROC, each against the rest", xlabel="false positive rate", ylabel="true positive rate")


def precision_recall(ax: "Axes", outcome: Outcome) -> None:
    """Draw precision against recall per emotion."""
    _curves(ax, figures.precision_recall(outcome.after, outcome.labels))
    ax.set(title="precision and recall", xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1.02))


def _curves(ax: "Axes", curves: Sequence[figures.Curve]) -> None:
    for curve in curves:
        ax.plot(
            curve.x,
            curve.y,
            color=COLOURS[curve.emotion],
            linewidth=1,
            label=f"{curve.emotion} {curve.area:.2f}",
        )


def _legend(ax: "Axes", handles: Sequence[Any], labels: Sequence[str]) -> None:
    ax.axis("off")
    ax.legend(handles, labels, loc="center", fontsize=8, frameon=False, title="average precision")


def _figure(rows: int, columns: int) -> "tuple[Figure, Any]":
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(
        rows, columns, figsize=(PANEL * columns, PANEL * rows), squeeze=False, layout="constrained"
    )
    for ax in axes.flat:
        ax.tick_params(labelsize=7)
    return figure, axes


def _png(figure: "Figure") -> bytes:
    from matplotlib import pyplot as plt

    for ax in figure.axes:
        ax.title.set_fontsize(9)
        ax.xaxis.label.set_fontsize(8)
        ax.yaxis.label.set_fontsize(8)
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=DPI, metadata={"Software": None})
    plt.close(figure)
    return out.getvalue()
