"""The table of sessions with links into the timeline."""

from typing import Any

from affectstream.dashboards.grafana import look, parts, source

Json = dict[str, Any]

COLUMNS = {
    "session": "string",
    "party": "string",
    "label": "string",
    "confidence": "number",
    "start_ms": "timestamp_epoch",
    "end_ms": "timestamp_epoch",
    "duration_ms": "number",
}
OPEN = {
    "title": "Show this call from its beginning to its end",
    "url": f"/d/{parts.UID}?var-session=${{__data.fields.session}}&var-party=${{__data.fields.party}}"
    "&from=${__data.fields.start_ms.numeric}&to=${__data.fields.end_ms.numeric}",
    "targetBlank": False,
}


def sessions(grid: parts.Grid) -> Json:
    """Return the newest sessions, a row per party."""
    return parts.panel(
        "table",
        "Sessions",
        "The newest sessions, a row per party. A click shows that call from its beginning to its end.",
        grid,
        targets=[source.query(source.SESSIONS, COLUMNS, root="sessions", params={"limit": "100"})],
        transformations=[look.in_order(*COLUMNS)],
        fieldConfig=parts.fields("none", _overrides(), custom={"align": "auto", "filterable": True}),
        options={
            "showHeader": True,
            "cellHeight": "sm",
            "sortBy": [{"displayName": "until", "desc": True}],
            "footer": {"show": False, "reducer": ["count"], "fields": ""},
        },
    )


def _overrides() -> list[Json]:
    bar = {"type": "gauge", "mode": "basic", "valueDisplayMode": "text"}
    return [
        look.override("session", links=[OPEN], custom__minWidth=220),
        look.override("party", links=[OPEN]),
        look.override(
            "label",
            displayName="newest",
            mappings=look.emotions_or_nothing(),
            custom__cellOptions={"type": "color-background", "mode": "basic"},
        ),
        look.override("confidence", unit="percentunit", min=0, max=1, decimals=0, custom__cellOptions=bar),
        look.override("start_ms", displayName="from", unit="dateTimeAsIso"),
        look.override("end_ms", displayName="until", unit="dateTimeAsIso"),
        look.override("duration_ms", displayName="length", unit="ms"),
    ]
