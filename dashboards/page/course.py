"""The course of a party as a chart: displayed labels, stacked probabilities, the weight of each modality.

The probabilities are those with what is usual of the party's voice taken off, by which labels are displayed.

Every function is pure: buckets of a timeline in, options of an ECharts chart out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from affectstream.analytics.records import clock
from affectstream.schemas.conflict import WORDS
from affectstream.schemas.labels import COLOURS, MODALITY_COLOURS
from affectstream.schemas.messages import Modality

Json = dict[str, Any]

STACK = ("angry", "disgust", "fear", "sad", "surprise", "happy", "neutral")  # from the bottom
PATTERNS: dict[str, Json] = {  # beside the colours, so that areas that touch differ without them
    "angry": {"symbol": "rect", "dashArrayX": [1, 0], "dashArrayY": [2, 5], "rotation": -0.785},
    "disgust": {"symbol": "circle", "dashArrayX": [[8, 8], [0, 8, 8, 0]], "dashArrayY": [6, 0]},
    "fear": {"symbol": "rect", "dashArrayX": [1, 0], "dashArrayY": [4, 3], "rotation": 0.785},
    "sad": {"symbol": "rect", "dashArrayX": [1, 0], "dashArrayY": [2, 5], "rotation": 1.571},
    "surprise": {"symbol": "triangle", "dashArrayX": [[9, 9], [0, 9, 9, 0]], "dashArrayY": [7, 2]},
    "happy": {"symbol": "none"},
    "neutral": {"symbol": "none"},
}
INK = "getComputedStyle(document.body).getPropertyValue('--ink')"  # of the theme, where the browser draws
NAMED = {"position": "top", "distance": 3, "fontSize": 10, "fontWeight": "bold", ":color": INK}
LINES = "rgba(0, 0, 0, 0.22)"  # of the patterns
NOTHING = "rgba(128, 128, 128, 0.18)"
HEIGHTS = {"label": 6, "course": 44, "weight": 6}  # percent of the chart
GAP = 3
TOP = 8


@dataclass(frozen=True)
class Mark:
    """Something that happened, from when to when; a moment where both are equal."""

    kind: str  # alert, contradiction, turning point
    from_ms: int
    to_ms: int
    text: str
    is_open: bool = False  # an alert that has not ended


def options(buckets: Sequence[Json], bucket_ms: int, origin_ms: int, marks: Sequence[Mark]) -> Json:
    """Return the chart of a party's buckets, in order; times count from ``origin_ms``."""
    rows = with_gaps(buckets, bucket_ms)
    lanes = [m for m in WORDS if any(row.get(f"{m}_status") for row in rows)]
    grids = _grids(len(lanes))
    return {
        "animation": False,
        "aria": {"enabled": True, "label": {"description": described(rows)}},
        "grid": grids,
        "xAxis": [_time(rows, origin_ms, i, i == len(grids) - 1) for i in range(len(grids))],
        "yAxis": [_scale("label", 0), _scale("probability", 1, ticks=True)]
        + [_scale(WORDS[m], 2 + i) for i, m in enumerate(lanes)],
        "series": [
            _labels(rows),
            *[_probabilities(rows, name) for name in STACK],
            *[series for i, m in enumerate(lanes) for series in _weights(rows, m, 2 + i)],
            _marked(rows, marks),
        ],
        "tooltip": {"trigger": "axis", "axisPointer": {"type": "line"}, "confine": True},
        "axisPointer": {"link": [{"xAxisIndex": "all"}]},
        "dataZoom": [
            {"type": "inside", "xAxisIndex": list(range(len(grids))), "zoomOnMouseWheel": "ctrl"},
            {"type": "slider", "xAxisIndex": list(range(len(grids))), "height": 16, "bottom": 2},
        ],
        "legend": {"type": "scroll", "top": 0, "data": list(reversed(STACK)), "textStyle": {":color": INK}},
    }


def with_gaps(buckets: Sequence[Json], bucket_ms: int) -> list[Json]:
    """Return the buckets with an empty one wherever there is none."""
    rows: list[Json] = []
    for bucket in buckets:
        while rows and rows[-1]["start_ms"] + bucket_ms < bucket["start_ms"]:
            rows.append({"start_ms": rows[-1]["start_ms"] + bucket_ms})
        rows.append(bucket)
    return rows


def described(rows: Sequence[Json]) -> str:
    """Return the chart in words, for who does not see it."""
    known = [row["shown"] for row in rows if row.get("shown")]
    if not known:
        return "No window has evidence of which an emotion is displayed yet."
    counts = sorted(((known.count(name), name) for name in set(known)), reverse=True)
    shares = ", ".join(f"{name} {100 * count / len(rows):.0f} %" for count, name in counts)
    return f"Displayed most: {shares} of the time; newest: {rows[-1].get('shown') or 'unsure'}."


def decal(name: str) -> Json:
    """Return the pattern of an emotion."""
    return {"color": LINES, **PATTERNS[name]}


def _grids(lanes: int) -> list[Json]:
    heights = [HEIGHTS["label"], HEIGHTS["course"], *[HEIGHTS["weight"]] * lanes]
    grids, top = [], TOP
    for height in heights:
        grids.append({"left": 84, "right": 16, "top": f"{top}%", "height": f"{height}%"})
        top += height + GAP
    return grids


def _time(rows: Sequence[Json], origin_ms: int, grid: int, last: bool) -> Json:
    return {
        "type": "category",
        "gridIndex": grid,
        "data": [clock(row["start_ms"] - origin_ms) for row in rows],
        "axisTick": {"show": False},
        "axisLabel": {"show": last, "hideOverlap": True, ":color": INK},
        "axisLine": {"show": last},
    }


def _scale(name: str, grid: int, ticks: bool = False) -> Json:
    return {
        "type": "value",
        "gridIndex": grid,
        "min": 0,
        "max": 1,
        "interval": 0.5,
        "name": name,
        "nameLocation": "middle",
        "nameRotate": 0,
        "nameGap": 34,
        "axisLabel": {"show": ticks, ":color": INK},
        "nameTextStyle": {":color": INK},
        "splitLine": {"show": ticks},
    }


def _labels(rows: Sequence[Json]) -> Json:
    """Return the strip of displayed labels; what is unsure or absent is grey."""
    data = []
    for row in rows:
        name = row.get("shown")
        style = {"color": COLOURS[name], "decal": decal(name)} if name else {"color": NOTHING}
        data.append({"value": 1, "name": name or "unsure", "itemStyle": style})
    return {
        "name": "displayed",
        "type": "bar",
        "xAxisIndex": 0,
        "yAxisIndex": 0,
        "barCategoryGap": "0%",
        "data": data,
        "tooltip": {"show": False},
    }


def _probabilities(rows: Sequence[Json], name: str) -> Json:
    return {
        "name": name,
        "type": "line",
        "stack": "p",
        "xAxisIndex": 1,
        "yAxisIndex": 1,
        "symbol": "none",
        "lineStyle": {"width": 0},
        "areaStyle": {"opacity": 0.6 if name == "neutral" else 0.95},
        "itemStyle": {"color": COLOURS[name], "decal": decal(name)},
        "data": [row.get(f"relative_{name}") for row in rows],
        "emphasis": {"disabled": True},
    }


def _weights(rows: Sequence[Json], modality: Modality, axis: int) -> list[Json]:
    """Return the weight of a modality as bars, and where it has no evidence a grey area."""
    absent = [
        1
        if row.get(f"{modality}_status") not in ("present", None) and not row.get(f"{modality}_weight")
        else 0
        for row in rows
    ]
    common = {
        "type": "bar",
        "xAxisIndex": axis,
        "yAxisIndex": axis,
        "barCategoryGap": "0%",
        "barGap": "-100%",
        "emphasis": {"disabled": True},
    }
    weights = [round(row.get(f"{modality}_weight") or 0.0, 3) for row in rows]
    name = WORDS[modality]
    fill = {"color": MODALITY_COLOURS[modality], ":borderColor": INK, "borderWidth": 0.5}
    grey = {"color": NOTHING}
    return [
        common | {"name": f"weight of {name}", "data": weights, "itemStyle": fill},
        common | {"name": f"{name} absent", "data": absent, "itemStyle": grey, "tooltip": {"show": False}},
    ]


def _marked(rows: Sequence[Json], marks: Sequence[Mark]) -> Json:
    """Return an empty series over the course that carries alerts, contradictions and turning points."""

    def place(ms: int) -> int:
        return min(range(len(rows)), key=lambda i: abs(rows[i]["start_ms"] - ms), default=0)

    areas = [
        [
            {"name": _name(mark), "xAxis": place(mark.from_ms), "itemStyle": _area(mark.kind)},
            {"xAxis": place(mark.to_ms)},
        ]
        for mark in marks
        if mark.to_ms > mark.from_ms
    ]
    lines = [
        {"xAxis": place(mark.from_ms), "name": mark.text} for mark in marks if mark.to_ms <= mark.from_ms
    ]
    return {
        "name": "events",
        "type": "line",
        "xAxisIndex": 1,
        "yAxisIndex": 1,
        "data": [],
        "silent": True,
        "markArea": {
            "data": areas,
            "label": NAMED,
        },
        "markLine": {
            "data": lines,
            "symbol": "none",
            "label": {"show": False},
            "lineStyle": {"type": "dashed", "color": "#57606a"},
        },
    }


def _name(mark: Mark) -> str:
    """Return what is written on a mark; contradictions are many, and stand in the table beside."""
    return mark.kind if mark.kind == "alert" else ""


def _area(kind: str) -> Json:
    if kind == "alert":
        return {"color": "rgba(164, 14, 38, 0.10)", "borderColor": "#a40e26", "borderWidth": 2}
    return {
        "color": "rgba(128, 128, 128, 0.10)",
        "borderColor": "#57606a",
        "borderWidth": 1,
        "borderType": "dotted",
    }
