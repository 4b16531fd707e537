"""Building blocks of Grafana panels: frames, colours, value mappings, field overrides."""

from collections.abc import Iterable
from typing import Any

from affectstream.dashboards.grafana import source
from affectstream.schemas.labels import COLOURS, EMOTIONS
from affectstream.schemas.messages import Reason

Json = dict[str, Any]
Grid = tuple[int, int, int, int]  # x, y, width, height

UID = "affect-call-timeline"
CUES = "Cues consistent with an emotion, never a fact about a person."
MEASURES = (
    ("confidence", "confidence", "#1d6996"),
    ("uncertainty", "uncertainty", "#9aa0a6"),
    ("disagreement", "disagreement", "#cc503e"),
)

STATUS_COLOURS = {
    "present": "#4b8f3c",
    Reason.NO_FACE: "#80868b",
    Reason.SILENCE: "#9aa0a6",
    Reason.NO_SPEECH: "#b0b5ba",
    Reason.LANGUAGE: "#5a7d9a",
    Reason.SHED: "#f97b28",
    Reason.FAILED: "#d93025",
    Reason.NOT_PERMITTED: "#7f3c8d",
    Reason.PAUSED: "#b58fc2",
    "missing": "#5f1d16",
}
"""By a modality's state in a window, or the reason where it abstained."""

NOTHING = "#3c4043"
STACKED = {"mode": "normal", "group": "A"}
SCHEMA_VERSION = 41  # Grafana 12; newer ones migrate it when they load it
TURN = "#1d6996"


def dashboard(uid: str, title: str, description: str, panels: list[Json], **rest: Any) -> Json:
    """Return a dashboard; the panels' ids follow their places, and ``rest`` replaces what is usual."""
    return {
        "uid": uid,
        "title": title,
        "description": description,
        "tags": ["affectstream"],
        "schemaVersion": SCHEMA_VERSION,
        "version": 1,
        "id": None,
        "editable": True,
        "graphTooltip": 1,  # one crosshair for all panels
        "liveNow": False,
        "refresh": "5s",
        "time": {"from": "now-5m", "to": "now"},
        "timezone": "browser",
        "timepicker": {"refresh_intervals": ["2s", "5s", "10s", "30s", "1m", "5m"]},
        "annotations": {"list": []},
        "links": [],
        "templating": {"list": []},
        "panels": [panel | {"id": number} for number, panel in enumerate(panels, start=1)],
        **rest,
    }


def panel(kind: str, title: str, description: str, grid: Grid, **rest: Any) -> Json:
    """Return a panel at its place, over the project's data source."""
    x, y, width, height = grid
    return {
        "type": kind,
        "title": title,
        "description": description,
        "gridPos": {"x": x, "y": y, "w": width, "h": height},
        "datasource": source.REF,
        "transparent": False,
        **rest,
    }


def fields(unit: str, overrides: list[Json] | None = None, **defaults: Any) -> Json:
    """Return a field configuration: a unit, other defaults, and overrides per field."""
    return {"defaults": {"unit": unit, **defaults}, "overrides": overrides or []}


def shares(overrides: list[Json] | None = None, **defaults: Any) -> Json:
    """Return the field configuration of values from 0 to 1, in whole per cent."""
    return fields("percentunit", overrides, min=0, max=1, decimals=0, **defaults)


def listing(
    title: str,
    description: str,
    grid: Grid,
    target: Json,
    columns: Iterable[str],
    look: list[Json],
    sorted_by: str | None = None,
) -> Json:
    """Return a table; one that is sorted, the largest of ``sorted_by`` first, can be filtered too."""
    order = [] if sorted_by is None else [{"displayName": sorted_by, "desc": True}]
    footer = {"show": False, "reducer": ["count"], "fields": ""}
    return panel(
        "table",
        title,
        description,
        grid,
        targets=[target],
        transformations=[in_order(*columns)],
        fieldConfig=fields("none", look, custom={"align": "auto", "filterable": bool(order)}),
        options={"showHeader": True, "cellHeight": "sm", "sortBy": order, "footer": footer},
    )


def last_value(names: str) -> Json:
    """Return the reduction to the last value of the fields whose names match an expression."""
    return {"values": False, "calcs": ["lastNotNull"], "fields": names}


def legend(placement: str = "bottom", calcs: tuple[str, ...] = ()) -> Json:
    """Return a legend, as a table where it calculates."""
    mode = "table" if calcs else "list"
    return {"showLegend": True, "displayMode": mode, "placement": placement, "calcs": list(calcs)}


def fixed(colour: str) -> Json:
    """Return the colour property of a field that always has one colour."""
    return {"mode": "fixed", "fixedColor": colour}


def named(texts: dict[str, str], colours: dict[str, str]) -> list[Json]:
    """Return value mappings from a value to its text and colour."""
    options = {
        value: {"text": text, "color": colours[value], "index": i}
        for i, (value, text) in enumerate(texts.items())
    }
    return [{"type": "value", "options": options}]


def emotions() -> list[Json]:
    """Return the mappings of the seven labels."""
    return named({name: name for name in EMOTIONS}, dict(COLOURS))


def emotions_or_nothing() -> list[Json]:
    """Return the mappings of the seven labels, and of none: a band shows that as a gap, a cell in words."""
    nothing = {"text": "nothing to read", "color": NOTHING, "index": len(EMOTIONS)}
    return [*emotions(), {"type": "special", "options": {"match": "null", "result": nothing}}]


def statuses() -> list[Json]:
    """Return the mappings of a modality's status."""
    texts = {str(value): str(value).replace("_", " ") for value in STATUS_COLOURS}
    return named(texts, {str(value): colour for value, colour in STATUS_COLOURS.items()})


def override(field: str, **properties: Any) -> Json:
    """Return the overrides of one field; ``custom__x`` stands for ``custom.x``."""
    return {
        "matcher": {"id": "byName", "options": field},
        "properties": [{"id": name.replace("__", "."), "value": value} for name, value in properties.items()],
    }


def coloured(fields: Iterable[tuple[str, str, str]]) -> list[Json]:
    """Return an override per (field, shown name, colour)."""
    return [override(name, displayName=shown, color=fixed(colour)) for name, shown, colour in fields]


def in_order(*fields: str) -> Json:
    """Return the transformation that orders the fields, which the data source sorts by name."""
    return {
        "id": "organize",
        "options": {
            "excludeByName": {},
            "renameByName": {},
            "indexByName": {f: i for i, f in enumerate(fields)},
        },
    }


def steps(*bounds: tuple[float | None, str]) -> Json:
    """Return absolute thresholds; the first bound is None."""
    return {"mode": "absolute", "steps": [{"value": value, "color": colour} for value, colour in bounds]}
