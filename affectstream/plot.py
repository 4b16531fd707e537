"""The timeline of a session as a picture: labels, the course of the emotions, what happened, evidence."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from affectstream.analytics.label import Display
from affectstream.schemas.alert import Alert
from affectstream.schemas.conflict import WORDS
from affectstream.schemas.errors import InputError
from affectstream.schemas.labels import COLOURS, EMOTIONS, INDEX
from affectstream.schemas.messages import FusedEmotion
from affectstream.timeline import Note, Side, sides_of, smoothed

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from affectstream.session_file import Event

T = TypeVar("T")
STACK = ("angry", "disgust", "fear", "sad", "surprise", "happy")  # from the bottom
WIDTH_IN, BAND_IN, COURSE_IN, LANE_IN, EVIDENCE_IN = 12.0, 0.34, 1.7, 0.24, 0.26
LEAST_SMOOTHING_S = 5.0
DARK = ("sad", "angry", "fear")  # labels under white text: 4.5 to 1 or more
HATCHES = {"angry": "///", "disgust": "...", "fear": "xxx", "sad": "|||", "surprise": "---"}  # beside colours
SMOOTHING_SHARE = 0.02  # of the call
STEPS_S, MOST_TICKS = (5, 10, 30, 60, 120, 300, 600, 1800), 15
PLAIN = Display()
UNSURE: dict[str, Any] = {"facecolor": "#ffffff", "edgecolor": "#bdbdbd", "hatch": "....", "linewidth": 0.0}
INK, FAINT, EVIDENCE = "#333333", "#a6a6a6", "#7d6b5d"
GAP: dict[str, Any] = {"facecolor": "none", "edgecolor": "#cfcfcf", "hatch": "////", "linewidth": 0.0}


def check_kind(path: Path) -> None:
    """Raise InputError where the ending of a file names no kind of plot."""
    if path.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise InputError(f"{path.name}: a plot is a .png, .svg or .pdf")


def draw(
    finals: Sequence[FusedEmotion],
    path: Path,
    title: str,
    display: Display = PLAIN,
    alerts: Sequence[Alert] = (),
    events: Sequence["Event"] = (),
) -> None:
    """Write the timeline of every party in ``finals`` to ``path`` (PNG, SVG or PDF).

    ``display`` says which labels are displayed, ``events`` what is known to have happened.
    """
    check_kind(path)
    if not finals:
        raise InputError("there is no final window to plot")
    import matplotlib as mpl

    mpl.use("Agg")
    mpl.rcParams["svg.hashsalt"] = "affectstream"  # the same session gives the same SVG
    import matplotlib.pyplot as plt

    figure = _figure(sides_of(finals, display, alerts), events)
    figure.suptitle(title, fontweight="bold", x=0.01, ha="left")
    try:
        figure.savefig(path, dpi=130, metadata={"Date": None} if path.suffix.lower() == ".svg" else None)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from error
    finally:
        plt.close(figure)


def _figure(sides: Sequence[Side], events: Sequence["Event"]) -> "Figure":
    """Draw the panels of every party below each other, on one axis of time."""
    import matplotlib.pyplot as plt

    origin_ms = min(side.finals[0].start_ms for side in sides)
    length_s = (max(side.finals[-1].end_ms for side in sides) - origin_ms) / 1000
    heights = [height for side in sides for height in _heights(side)]
    figure, axes = plt.subplots(
        len(heights),
        1,
        figsize=(WIDTH_IN, sum(heights) + 0.42 * len(sides) + 1.0),
        sharex=True,
        gridspec_kw={"height_ratios": heights},
        layout="constrained",
    )
    figure.get_layout_engine().set(h_pad=0.02, hspace=0.02)
    for i, side in enumerate(sides):
        _draw_side(axes[4 * i : 4 * i + 4], side, origin_ms, length_s, events)
    _time_axis(axes[-1], length_s)
    _legend(figure)
    return figure  # type: ignore[no-any-return]  # the package has no types


def _time_axis(axis: "Axes", length_s: float) -> None:
    """Write minutes and seconds below the lowest panel."""
    from matplotlib.ticker import FuncFormatter, MultipleLocator

    step_s = next((step_s for step_s in STEPS_S if length_s / step_s <= MOST_TICKS), STEPS_S[-1])
    axis.xaxis.set_major_locator(MultipleLocator(step_s))
    axis.xaxis.set_major_formatter(FuncFormatter(lambda at_s, _: f"{at_s // 60:.0f}:{at_s % 60:02.0f}"))
    axis.set_xlabel("minutes and seconds from the start of the session", fontsize=9)
    axis.set_xlim(0, length_s)


def _heights(side: Side) -> tuple[float, ...]:
    """Return the heights of a party's panels in inches."""
    return BAND_IN, COURSE_IN, max(1, len(side.notes)) * LANE_IN, EVIDENCE_IN * len(side.modalities)


def _draw_side(
    axes: Sequence["Axes"], side: Side, origin_ms: int, length_s: float, events: Sequence["Event"]
) -> None:
    band, course, notes, evidence = axes
    edges = np.array([*(f.start_ms for f in side.finals), side.finals[-1].end_ms], dtype=float)
    edges = (edges - origin_ms) / 1000
    band.set_title(side.party, loc="left", fontsize=11, fontweight="bold", pad=3)
    _band(band, side, edges, length_s)
    _course(course, side, edges, max(LEAST_SMOOTHING_S, SMOOTHING_SHARE * length_s))
    _events(course, events)
    _notes(notes, side.notes, length_s)
    _evidence(evidence, side, edges, length_s)
    for axis in axes:
        axis.margins(0)
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(labelsize=8, length=2)


def _band(axis: "Axes", side: Side, edges: NDArray[np.float64], length_s: float) -> None:
    """Paint the displayed label; its name where there is room."""
    for shown, first, last in _runs([(each.label, each.uncertain) for each in side.shown]):
        label, unsure = shown
        left, right = edges[first], edges[last + 1]
        if label is None and not unsure:
            axis.axvspan(left, right, **GAP)
            continue
        axis.axvspan(left, right, **(_painted(label) if label else UNSURE))
        name = label or "unsure"
        if right - left > length_s * 0.009 * len(name):
            axis.text(
                (left + right) / 2,
                0.48,
                name,
                ha="center",
                va="center",
                fontsize=8,
                color="white" if label in DARK else INK,
            )
    axis.set_ylim(0, 1)
    _row(axis, ["label"])


def _painted(label: str) -> dict[str, Any]:
    """Return the colour and the pattern of a label: one of the two is enough to tell it from the others."""
    pattern = {"hatch": HATCHES[label], "edgecolor": "#00000055"} if label in HATCHES else {}
    return {"facecolor": COLOURS[label], "linewidth": 0, **pattern}


def _course(axis: "Axes", side: Side, edges: NDArray[np.float64], smoothing_s: float) -> None:
    """Stack the smoothed probabilities, the most worrying at the bottom, neutral pale at the top."""
    middles = (edges[:-1] + edges[1:]) / 2
    smooth = smoothed(side.p, middles, smoothing_s)
    base = np.zeros(len(smooth))
    for name in STACK:
        top = base + smooth[:, INDEX[name]]
        axis.fill_between(middles, base, top, where=~np.isnan(top), **_painted(name))
        base = top
    axis.fill_between(
        middles, base, 1, color=COLOURS["neutral"], alpha=0.3, linewidth=0, where=~np.isnan(base)
    )
    for empty, first, last in _runs(np.isnan(smooth[:, 0]).tolist()):
        if empty:
            axis.axvspan(edges[first], edges[last + 1], **GAP)
    axis.set_ylim(0, 1)
    axis.set_yticks([0, 0.5, 1])
    axis.set_ylabel(f"probability,\nmean of {smoothing_s:.0f} s", fontsize=8)


def _events(axis: "Axes", events: Sequence["Event"]) -> None:
    """Mark what is known to have happened."""
    for event in events:
        for at in (event.start_s, event.end_s):
            axis.axvline(at, color=INK, linewidth=0.8, linestyle=(0, (4, 3)))
        axis.text(
            (event.start_s + event.end_s) / 2, 0.97, event.text,
            ha="center", va="top", fontsize=7.5, color=INK, style="italic",
            bbox={"facecolor": "white", "alpha": 0.75, "linewidth": 0, "pad": 1},
        )  # fmt: skip


def _notes(axis: "Axes", by_lane: Sequence[Sequence[Note]], length_s: float) -> None:
    """Write down alerts, contradictions and turning points, each from when to when."""
    for row, notes in enumerate(by_lane):
        for note in notes:
            axis.plot(
                [note.start_s, max(note.end_s, note.start_s + 0.01)], [row, row],
                color=note.colour, linewidth=5 if note.end_s > note.start_s else 0, solid_capstyle="butt",
                marker=None if note.end_s > note.start_s else "v", markersize=5,
            )  # fmt: skip
            axis.text(note.text_s(length_s), row - 0.16, note.text, va="bottom", fontsize=7.5, color=INK)
    axis.set_ylim(max(1, len(by_lane)) - 0.5, -0.9)
    axis.spines["bottom"].set_visible(False)
    axis.tick_params(bottom=False)
    axis.set_yticks([])
    axis.set_ylabel("events", fontsize=8, rotation=0, ha="right", va="center")


def _evidence(axis: "Axes", side: Side, edges: NDArray[np.float64], length_s: float) -> None:
    """Draw a row per modality: its weight as height, and why it had nothing to say."""
    for row, modality in enumerate(reversed(side.modalities)):
        states = [next((s for s in f.modalities if s.modality == modality), None) for f in side.finals]
        heights = np.array([s.weight if s is not None and s.p is not None else 0.0 for s in states])
        axis.stairs(row + 0.06 + 0.82 * heights, edges, baseline=row + 0.06, fill=True, color=EVIDENCE)
        why = [
            None if s is not None and s.p is not None else (s.reason or s.state if s else "") for s in states
        ]
        for reason, first, last in _runs(why):
            left, right = edges[first], edges[last + 1]
            if reason and right - left > length_s * 0.011 * len(reason):
                text = str(reason).replace("_", " ")
                axis.text(
                    (left + right) / 2, row + 0.42, text, ha="center", va="center", fontsize=7, color=FAINT
                )
    axis.set_ylim(0, max(1, len(side.modalities)))
    _row(axis, [WORDS[m] for m in reversed(side.modalities)])


def _runs(values: Sequence[T]) -> Iterator[tuple[T, int, int]]:
    """Yield each value with the first and the last of its neighbours that equal it."""
    for value, group in groupby(range(len(values)), key=values.__getitem__):
        places = list(group)
        yield value, places[0], places[-1]


def _row(axis: "Axes", names: Sequence[str]) -> None:
    axis.set_yticks([i + 0.5 for i in range(len(names))], names)
    axis.tick_params(axis="y", length=0)


def _legend(figure: "Figure") -> None:
    from matplotlib.patches import Patch

    handles = [Patch(label=name, **_painted(name)) for name in EMOTIONS]
    handles += [Patch(label="unsure", **UNSURE), Patch(label="no evidence", **GAP)]
    handles += [Patch(color=EVIDENCE, label="weight of face, voice, words")]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), fontsize=8, frameon=False)
