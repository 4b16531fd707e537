"""The panels of a whole session: its alerts and a line per party."""

from typing import Any

from affectstream.dashboards.grafana import current_panels, parts, source, style

Json = dict[str, Any]

ALERTS = {
    "start_ms": "timestamp_epoch",
    "party": "string",
    "edge": "string",
    "rule": "string",
    "value": "number",
    "text": "string",
}
PARTIES = {"party": "string", "text": "string", "confidence": "number", "unknown": "number"}
EDGES = {"begin": "begins", "end": "is over"}


def alerts(grid: parts.Grid) -> Json:
    """Return the alerts of the session, the newest first."""
    return parts.panel(
        "table",
        "Alerts",
        "What the alert rules found in this session, all parties, the newest first. "
        "docs/alerts.md says what each kind of rule measures.",
        grid,
        targets=[source.query(source.ALERTS, ALERTS, root="alerts")],
        transformations=[style.in_order(*ALERTS)],
        fieldConfig=parts.fields("none", _alert_fields(), custom={"align": "auto", "filterable": True}),
        options=_table([{"displayName": "at", "desc": True}]),
    )


def summary(grid: parts.Grid) -> Json:
    """Return a line per party over its whole session."""
    return parts.panel(
        "table",
        "Summary",
        "Each party over the whole session: dominant emotions, quarters of the call, what changed. "
        f"Unknown: the share of time with nothing to read. {parts.CUES}",
        grid,
        targets=[source.query(source.SUMMARY, PARTIES, root="parties")],
        transformations=[style.in_order(*PARTIES)],
        fieldConfig=parts.fields("none", _party_fields(), custom={"align": "auto", "filterable": False}),
        options=_table([]),
    )


def _alert_fields() -> list[Json]:
    return [
        style.override("start_ms", displayName="at", unit="dateTimeAsIso", custom__width=180),
        style.override("party", custom__width=90),
        style.override(
            "edge",
            displayName="alert",
            mappings=style.named(EDGES, {"begin": current_panels.POOR, "end": current_panels.GOOD}),
            custom__width=90,
            custom__cellOptions={"type": "color-text"},
        ),
        style.override("rule", custom__width=130),
        style.override("value", unit="percentunit", decimals=0, custom__width=70),
        style.override("text", displayName="what"),
    ]


def _party_fields() -> list[Json]:
    share = {"unit": "percentunit", "decimals": 0, "custom__width": 90}
    return [
        style.override("party", custom__width=90),
        style.override(
            "text", displayName="in short", custom__cellOptions={"type": "auto", "wrapText": True}
        ),
        style.override("confidence", **share),
        style.override("unknown", **share),
    ]


def _table(order: list[Json]) -> Json:
    footer = {"show": False, "reducer": ["count"], "fields": ""}
    return {"showHeader": True, "cellHeight": "sm", "sortBy": order, "footer": footer}
