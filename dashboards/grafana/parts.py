"""What all panels are put together from."""

from typing import Any

from affectstream.dashboards.grafana import source

Json = dict[str, Any]
Grid = tuple[int, int, int, int]  # x, y, width, height

UID = "affect-call-timeline"
CUES = "Cues consistent with an emotion, never a fact about a person."
MEASURES = (
    ("confidence", "confidence", "#1d6996"),
    ("uncertainty", "uncertainty", "#9aa0a6"),
    ("disagreement", "disagreement", "#cc503e"),
)


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


def shown(names: str) -> Json:
    """Return the reduction of a panel that shows the last value of the fields named by an expression."""
    return {"values": False, "calcs": ["lastNotNull"], "fields": names}


def legend(placement: str = "bottom", calcs: tuple[str, ...] = ()) -> Json:
    """Return a legend, as a table where it calculates."""
    mode = "table" if calcs else "list"
    return {"showLegend": True, "displayMode": mode, "placement": placement, "calcs": list(calcs)}
