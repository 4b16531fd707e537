"""Panels over time, of final windows."""

from typing import Any

from affectstream.dashboards.grafana import source, style
from affectstream.schemas.labels import COLOURS, EMOTIONS, MODALITY_COLOURS
from affectstream.schemas.messages import MODALITIES

Json = dict[str, Any]

GAP_MS = 5_000  # where two windows lie further apart, a line breaks
TIME = {"start_ms": "timestamp_epoch"}
BAND = TIME | {"end_ms": "timestamp_epoch"}  # a second time ends a state, so that a gap stays one
PROBABILITIES = {name: "number" for name in EMOTIONS}


def dominant(grid: style.Grid) -> Json:
    """Return the label of each final window as a band, and the displayed label as another."""
    columns = BAND | {"label": "string", "shown": "string"}
    return style.panel(
        "state-timeline",
        "Dominant emotion",
        "The most probable emotion of each final window, empty where there is no evidence; and the displayed "
        "label, smoothed if set so, empty where it is uncertain. " + style.CUES,
        grid,
        targets=[source.query(source.TIMELINE, columns, root="windows", params=source.SHOWN_RANGE)],
        transformations=[style.in_order(*columns)],
        fieldConfig=style.fields(
            "string",
            [
                style.override("label", displayName="emotion"),
                style.override("shown", displayName="displayed"),
            ],
            mappings=style.emotions(),
            custom={"fillOpacity": 90, "lineWidth": 0},
        ),
        options=_bands("center", 0.9),
    )


def probabilities(grid: style.Grid) -> Json:
    """Return the seven probabilities over time, stacked to 100 %."""
    return style.panel(
        "timeseries",
        "Probabilities",
        "The seven fused probabilities of each final window, stacked; a gap is a window without evidence.",
        grid,
        targets=[
            source.query(source.TIMELINE, TIME | PROBABILITIES, root="windows", params=source.SHOWN_RANGE)
        ],
        transformations=[style.in_order("start_ms", *EMOTIONS)],
        fieldConfig=style.shares(
            style.coloured((name, name, COLOURS[name]) for name in EMOTIONS),
            custom=_series(80, "percent"),
        ),
        options={
            "legend": style.legend("right", ("mean", "max")),
            "tooltip": {"mode": "multi", "sort": "desc"},
        },
    )


def measures(grid: style.Grid) -> Json:
    """Return confidence, uncertainty and disagreement over time."""
    columns = TIME | {name: "number" for name, _, _ in style.MEASURES}
    return style.panel(
        "timeseries",
        "Confidence, uncertainty, disagreement",
        "How far each final window can be relied on: low confidence, high uncertainty or high disagreement "
        "between the modalities call for a second look.",
        grid,
        targets=[source.query(source.TIMELINE, columns, root="windows", params=source.SHOWN_RANGE)],
        transformations=[style.in_order(*columns)],
        fieldConfig=style.shares(style.coloured(style.MEASURES), custom=_series(0, "none")),
        options={"legend": style.legend(calcs=("mean",)), "tooltip": {"mode": "multi", "sort": "none"}},
    )


def weights(grid: style.Grid) -> Json:
    """Return each modality's share of the fused distribution over time, stacked."""
    columns = TIME | {f"{name}_weight": "number" for name in MODALITIES}
    return style.panel(
        "timeseries",
        "Weight per modality",
        "Each modality's share of the fused probabilities. One that abstains or is missing weighs nothing, "
        "and the others take its share.",
        grid,
        targets=[source.query(source.MODALITIES, columns, root="windows", params=source.SHOWN_RANGE)],
        transformations=[style.in_order(*columns)],
        fieldConfig=style.shares(
            style.coloured((f"{name}_weight", name, MODALITY_COLOURS[name]) for name in MODALITIES),
            custom=_series(60, "normal"),
        ),
        options={"legend": style.legend(calcs=("mean",)), "tooltip": {"mode": "multi", "sort": "none"}},
    )


def states(grid: style.Grid) -> Json:
    """Return the state of each modality in each window, or the reason of its abstention."""
    columns = BAND | {f"{name}_status": "string" for name in MODALITIES}
    return style.panel(
        "state-timeline",
        "Modality states",
        "Each modality in each final window: present, the reason of its abstention, or missing. "
        "Empty: the modality is not part of this call.",
        grid,
        targets=[source.query(source.MODALITIES, columns, root="windows", params=source.SHOWN_RANGE)],
        transformations=[style.in_order(*columns)],
        fieldConfig=style.fields(
            "string",
            [style.override(f"{name}_status", displayName=name) for name in MODALITIES],
            mappings=style.statuses(),
            custom={"fillOpacity": 80, "lineWidth": 0},
        ),
        options=_bands("left", 0.85),
    )


def _bands(align: str, height: float) -> Json:
    return {
        "mergeValues": True,
        "showValue": "auto",
        "alignValue": align,
        "rowHeight": height,
        "legend": style.legend(),
        "tooltip": {"mode": "single", "sort": "none"},
    }


def _series(fill: int, stacking: str) -> Json:
    return {
        "drawStyle": "line",
        "lineInterpolation": "stepAfter",  # a window's value holds from its start to its end
        "lineWidth": 1,
        "fillOpacity": fill,
        "showPoints": "never",
        "spanNulls": False,
        "insertNulls": GAP_MS,
        "axisSoftMin": 0,
        "stacking": {"mode": stacking, "group": "A"},
    }
