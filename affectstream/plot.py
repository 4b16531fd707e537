"""The timeline of a session as a picture for a report."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from affectstream.schemas.errors import InputError
from affectstream.schemas.labels import COLOURS, EMOTIONS, MODALITY_COLOURS
from affectstream.schemas.messages import MODALITIES, FusedEmotion

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

GAP: dict[str, Any] = {"facecolor": "none", "edgecolor": "#b0b0b0", "hatch": "////", "linewidth": 0.0}
PANELS = (3.2, 0.5, 1.5, 1.2)  # heights: probabilities, dominant emotion, weights, confidence


def check_kind(path: Path) -> None:
    """Raise InputError where the ending of a file names no kind of plot."""
    if path.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise InputError(f"{path.name}: a plot is a .png, .svg or .pdf")


def draw(finals: Sequence[FusedEmotion], path: Path, title: str) -> None:
    """Write the timeline of every party in ``finals`` to ``path`` (PNG, SVG or PDF)."""
    check_kind(path)
    if not finals:
        raise InputError("there is no final window to plot")
    import matplotlib as mpl

    mpl.use("Agg")
    mpl.rcParams["svg.hashsalt"] = "affectstream"  # the same session gives the same SVG
    import matplotlib.pyplot as plt

    parties = sorted({f.party for f in finals}, key=("customer", "agent", "other").index)
    origin = min(f.start_ms for f in finals)
    rows = len(PANELS) * len(parties)
    figure, axes = plt.subplots(
        rows,
        1,
        figsize=(11, 0.9 + 4.4 * len(parties)),
        sharex=True,
        gridspec_kw={"height_ratios": PANELS * len(parties)},
        layout="constrained",
    )
    for i, party in enumerate(parties):
        mine = [f for f in finals if f.party == party]
        _party(axes[i * len(PANELS) : (i + 1) * len(PANELS)], party, mine, origin)
    axes[-1].set_xlabel("seconds from the start of the session")
    axes[-1].set_xlim(0, (max(f.end_ms for f in finals) - origin) / 1000)
    figure.suptitle(title, fontweight="bold")
    _legend(figure, axes)
    try:
        figure.savefig(path, dpi=150, metadata={"Date": None} if path.suffix.lower() == ".svg" else None)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from error
    finally:
        plt.close(figure)


def _legend(figure: "Figure", axes: Sequence["Axes"]) -> None:
    """Put one legend for emotions and modalities below everything."""
    handles, labels = axes[0].get_legend_handles_labels()
    weights, names = axes[2].get_legend_handles_labels()
    figure.legend(
        [*handles, *weights],
        [*labels, *names],
        loc="outside lower center",
        ncols=5,
        fontsize=8,
        frameon=False,
    )


def _party(axes: Sequence["Axes"], party: str, finals: Sequence[FusedEmotion], origin: int) -> None:
    edges = np.array([*(f.start_ms for f in finals), finals[-1].end_ms], dtype=float)
    edges = (edges - origin) / 1000
    stack, strip, weights, lines = axes
    p = np.array([f.p or (0.0,) * len(EMOTIONS) for f in finals])  # (windows, 7)
    _stacked(stack, edges, p, [(name, COLOURS[name]) for name in EMOTIONS])
    stack.set_ylabel("probability")
    stack.set_title(party, loc="left", fontsize=10, fontweight="bold")
    for f, left, right in zip(finals, edges, edges[1:], strict=False):
        _window(strip, weights, stack, f, left, right)
    strip.set_yticks([])
    strip.set_ylabel("label", rotation=0, ha="right", va="center")
    w = np.array([[_weight(f, m) for m in MODALITIES] for f in finals])
    _stacked(weights, edges, w, [(f"weight of {m}", MODALITY_COLOURS[m]) for m in MODALITIES])
    weights.set_ylabel("weight")
    for name, style in (("confidence", "-"), ("disagreement", ":")):
        values = [getattr(f, name) for f in finals]
        lines.stairs(values, edges, label=name, color="#333333", linestyle=style, linewidth=1.3)
    lines.set_ylim(0, 1)
    lines.legend(loc="lower right", bbox_to_anchor=(1.0, 0.9), fontsize=7, frameon=False, ncols=2)
    for axis in axes:
        axis.margins(0)
        axis.spines[["top", "right"]].set_visible(False)


def _weight(fused: FusedEmotion, modality: str) -> float:
    return next((s.weight for s in fused.modalities if s.modality == modality), 0.0)


def _stacked(axis: "Axes", edges: Any, values: Any, series: Sequence[tuple[str, str]]) -> None:
    """Fill ``values`` (windows, series) on top of each other, as steps over ``edges`` (windows + 1)."""
    base = np.zeros(len(values))
    for k, (name, colour) in enumerate(series):
        top = base + values[:, k]
        axis.stairs(top, edges, baseline=base, fill=True, color=colour, label=name)
        base = top
    axis.set_ylim(0, 1)


def _window(
    strip: "Axes", weights: "Axes", stack: "Axes", fused: FusedEmotion, left: float, right: float
) -> None:
    """Colour the window's label, and hatch what is not there."""
    if fused.label is None:
        for axis in (stack, strip, weights):
            axis.axvspan(left, right, **GAP)
        return
    strip.axvspan(left, right, color=COLOURS[fused.label], linewidth=0)
