"""The table of sessions with links into the timeline."""

from typing import Any

from affectstream.dashboards.grafana import parts, source, style

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
        transformations=[style.in_order(*COLUMNS)],
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
