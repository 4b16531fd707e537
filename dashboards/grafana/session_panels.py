"""Panels of whole sessions: alerts, a summary line per party, and the table of sessions."""

from typing import Any

from affectstream.dashboards.grafana import current_panels, source, style

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
MARKS = {"start_ms": "timestamp_epoch", "end_ms": "timestamp_epoch", "kind": "string", "text": "string"}
KINDS = {"alert": "alert", "turning_point": "turning point", "contradiction": "contradiction"}
EDGES = {"begin": "begins", "end": "is over"}
SESSIONS = {
    "session": "string",
    "party": "string",
    "label": "string",
    "confidence": "number",
    "start_ms": "timestamp_epoch",
    "end_ms": "timestamp_epoch",
    "duration_ms": "number",
}
VALUE = style.override("value", unit="percentunit", decimals=0, custom__width=70)
OPEN = {
    "title": "Show this call from its beginning to its end",
    "url": f"/d/{style.UID}?var-session=${{__data.fields.session}}&var-party=${{__data.fields.party}}"
    "&from=${__data.fields.start_ms.numeric}&to=${__data.fields.end_ms.numeric}",
    "targetBlank": False,
}


def alerts(grid: style.Grid) -> Json:
    """Return the alerts of the session, the newest first."""
    return style.listing(
        "Alerts",
        "Alerts of all parties of this session, the newest first. "
        "docs/alerts.md documents what each kind of rule measures.",
        grid,
        source.query(source.ALERTS, ALERTS, root="alerts", params=source.OF_SESSION),
        ALERTS,
        [*alert_fields("start_ms"), VALUE],
        sorted_by="at",
    )


def happened(grid: style.Grid) -> Json:
    """Return alerts, turning points and contradictions of the session in sentences."""
    return style.listing(
        "What happened",
        "Alerts, turning points and contradictions of all parties of this session, each in a sentence: the "
        "annotations of the panels above. " + style.CUES,
        grid,
        source.query(source.MARKS, MARKS, root="marks", params=source.OF_SESSION),
        MARKS,
        _mark_fields(),
        sorted_by="from",
    )


def summary(grid: style.Grid) -> Json:
    """Return a line per party over its whole session."""
    return style.listing(
        "Summary",
        "Each party over the whole session: dominant emotions, quarters of the call, what changed. "
        f"Unknown: the share of time with nothing to read. {style.CUES}",
        grid,
        source.query(source.SUMMARY, PARTIES, root="parties", params=source.OF_SESSION),
        PARTIES,
        _party_fields(),
    )


def sessions(grid: style.Grid) -> Json:
    """Return the newest sessions, a row per party."""
    return style.listing(
        "Sessions",
        "The newest sessions, a row per party. A click shows that call from its beginning to its end.",
        grid,
        source.query(source.SESSIONS, SESSIONS, root="sessions", params={"limit": "100"}),
        SESSIONS,
        _session_fields(),
        sorted_by="until",
    )


def alert_fields(time: str) -> list[Json]:
    """Return the look of the columns of alerts; ``time`` is the one that they are placed by."""
    return [
        style.override(time, displayName="at", unit="dateTimeAsIso", custom__width=180),
        style.override("party", custom__width=90),
        style.override(
            "edge",
            displayName="alert",
            mappings=style.named(EDGES, {"begin": current_panels.POOR, "end": current_panels.GOOD}),
            custom__width=90,
            custom__cellOptions={"type": "color-text"},
        ),
        style.override("rule", custom__width=130),
        style.override("text", displayName="what"),
    ]


def _mark_fields() -> list[Json]:
    colours = {
        "alert": current_panels.POOR,
        "turning_point": style.TURN,
        "contradiction": current_panels.FAIR,
    }
    return [
        style.override("start_ms", displayName="from", unit="dateTimeAsIso", custom__width=180),
        style.override("end_ms", displayName="until", unit="dateTimeAsIso", custom__width=180),
        style.override(
            "kind",
            displayName="what",
            mappings=style.named(KINDS, colours),
            custom__width=130,
            custom__cellOptions={"type": "color-text"},
        ),
        style.override("text", displayName="in words"),
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


def _session_fields() -> list[Json]:
    bar = {"type": "gauge", "mode": "basic", "valueDisplayMode": "text"}
    return [
        style.override("session", links=[OPEN], custom__minWidth=220),
        style.override("party", links=[OPEN]),
        style.override(
            "label",
            displayName="newest",
            mappings=style.emotions_or_nothing(),
            custom__cellOptions={"type": "color-background", "mode": "basic"},
        ),
        style.override("confidence", unit="percentunit", min=0, max=1, decimals=0, custom__cellOptions=bar),
        style.override("start_ms", displayName="from", unit="dateTimeAsIso"),
        style.override("end_ms", displayName="until", unit="dateTimeAsIso"),
        style.override("duration_ms", displayName="length", unit="ms"),
    ]
