"""Panels of the newest window."""

from typing import Any

from affectstream.dashboards.grafana import source, style
from affectstream.schemas.labels import COLOURS, EMOTIONS

Json = dict[str, Any]

GOOD, FAIR, POOR = "#4b8f3c", "#f2b701", "#d93025"
PANES = {"early": "early: may be revised", "final": "final"}


def emotion(grid: style.Grid) -> Json:
    """Return the label of the newest window, on its colour."""
    return style.panel(
        "stat",
        "Now",
        f"The most probable emotion of the newest window, early or final. {style.CUES}",
        grid,
        targets=[_newest({"label": "string"})],
        fieldConfig=style.fields(
            "string", mappings=style.emotions_or_nothing(), color={"mode": "thresholds"}
        ),
        options={
            "reduceOptions": style.last_value("/^label$/"),
            "colorMode": "background_solid",
            "graphMode": "none",
            "textMode": "value",
            "justifyMode": "center",
        },
    )


def probabilities(grid: style.Grid) -> Json:
    """Return the seven probabilities of the newest window as bars."""
    return style.panel(
        "bargauge",
        "Probabilities now",
        "The seven fused probabilities of the newest window; together they are 100 %.",
        grid,
        targets=[_newest({name: "number" for name in EMOTIONS})],
        transformations=[style.in_order(*EMOTIONS)],
        fieldConfig=style.shares(style.coloured((name, name, COLOURS[name]) for name in EMOTIONS)),
        options={
            "reduceOptions": style.last_value(""),
            "orientation": "horizontal",
            "displayMode": "basic",
            "valueMode": "text",
            "showUnfilled": True,
            "namePlacement": "left",
            "sizing": "auto",
        },
    )


def measures(grid: style.Grid) -> Json:
    """Return confidence, uncertainty and disagreement of the newest window."""
    falling = style.steps((None, GOOD), (0.5, FAIR), (0.8, POOR))
    return style.panel(
        "stat",
        "How sure",
        "Of the newest window. Confidence: the top probability, less where evidence was missing. "
        "Uncertainty: entropy over its maximum. Disagreement: Jensen-Shannon divergence of the modalities.",
        grid,
        targets=[_newest({name: "number" for name, _, _ in style.MEASURES})],
        transformations=[style.in_order(*(name for name, _, _ in style.MEASURES))],
        fieldConfig=style.shares(
            [style.override(name, thresholds=falling) for name in ("uncertainty", "disagreement")],
            color={"mode": "thresholds"},
            thresholds=style.steps((None, POOR), (0.35, FAIR), (0.6, GOOD)),
        ),
        options={
            "reduceOptions": style.last_value(""),
            "colorMode": "value",
            "graphMode": "none",
            "textMode": "value_and_name",
            "orientation": "vertical",
        },
    )


def age(grid: style.Grid) -> Json:
    """Return when the newest window ended, and whether it may still be revised."""
    return style.panel(
        "stat",
        "Newest window",
        "When the newest window ended, by the time of the call, and whether it may still be revised.",
        grid,
        targets=[_newest({"end_ms": "number", "pane": "string"})],
        transformations=[style.in_order("end_ms", "pane")],
        fieldConfig=style.fields(
            "dateTimeFromNow",
            [
                style.override("end_ms", displayName="ended"),
                style.override(
                    "pane",
                    unit="string",
                    mappings=style.named(PANES, {"early": FAIR, "final": GOOD}),
                ),
            ],
            color=style.fixed("text"),
        ),
        options={
            "reduceOptions": style.last_value("/.*/"),
            "colorMode": "value",
            "graphMode": "none",
            "textMode": "value",
            "orientation": "horizontal",
        },
    )


def _newest(columns: dict[str, str]) -> Json:
    return source.query(source.LATEST, columns, root="windows", params=source.OF_PARTY)
