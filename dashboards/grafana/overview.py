"""The dashboard *Calls overview*: which calls are live, which need somebody, the moods of all of them."""

from typing import Any

from affectstream.dashboards.grafana import current_panels, session_panels, source, style
from affectstream.schemas.labels import COLOURS, EMOTIONS

Json = dict[str, Any]

UID = "affect-calls-overview"
LIVE = {"state": "live", "sort": "need", "limit": "1000"}
CALLS = {
    "session": "string",
    "party": "string",
    "shown": "string",
    "confidence": "number",
    "valence": "number",
    "disagreement": "number",
    "conflict": "string",
    "alerts": "number",
    "alert": "string",
    "need": "number",
    "start_ms": "timestamp_epoch",
    "end_ms": "timestamp_epoch",
}
ALERTS = {
    "end_ms": "timestamp_epoch",
    "session": "string",
    "party": "string",
    "edge": "string",
    "rule": "string",
    "text": "string",
}
MOODS = {"start_ms": "timestamp_epoch"} | {name: "number" for name in (*EMOTIONS, "unsure", "unknown")}


def dashboard() -> Json:
    """Return the dashboard."""
    return style.dashboard(
        UID,
        "Calls overview",
        "Every live call, those that need somebody first; alerts and moods of all calls. " + style.CUES,
        [
            live((0, 0, 6, 9)),
            alerting((6, 0, 6, 9)),
            moods((12, 0, 12, 9)),
            calls((0, 9, 24, 12)),
            alerts((0, 21, 24, 9)),
        ],
        annotations={"list": [source.annotation_of_all("Alerts of all calls", current_panels.POOR)]},
        time={"from": "now-1h", "to": "now"},
    )


def live(grid: style.Grid) -> Json:
    """Return how many calls are live."""
    return _number(
        "Live calls",
        "Calls with a window in the last minute whose streams are not over.",
        grid,
        {"session": "string"},
        "distinctCount",
        color=style.fixed("text"),
    )


def alerting(grid: style.Grid) -> Json:
    """Return how many alerts are active in live calls."""
    return _number(
        "Active alerts",
        "Alerts of live calls that have begun and have not ended.",
        grid,
        {"alerts": "number"},
        "sum",
        color={"mode": "thresholds"},
        thresholds=style.steps((None, current_panels.GOOD), (1, current_panels.POOR)),
    )


def moods(grid: style.Grid) -> Json:
    """Return the shares of all calls' windows by emotion over time."""
    shown = {"from": "${__from}", "to": "${__to}"}
    colours = [(name, name, COLOURS[name]) for name in EMOTIONS]
    return style.panel(
        "timeseries",
        "Moods of all calls",
        "Final windows of all parties by their displayed label, as shares; unsure: not enough for one; "
        "unknown: nothing to read. At most the 500 parties with the newest windows. " + style.CUES,
        grid,
        targets=[source.query(source.MOODS, MOODS, root="moods", params=shown)],
        transformations=[style.in_order(*MOODS)],
        fieldConfig=style.shares(
            style.coloured([*colours, *((name, name, style.NOTHING) for name in ("unsure", "unknown"))]),
            custom={"drawStyle": "bars", "lineWidth": 0, "fillOpacity": 85, "stacking": style.STACKED},
        ),
        options={"legend": style.legend("right"), "tooltip": {"mode": "multi", "sort": "desc"}},
    )


def calls(grid: style.Grid) -> Json:
    """Return the live calls, a row per party, those with the most need first."""
    return style.listing(
        "Live calls, by need",
        "A row per party of a live call. The need is for sorting and nothing else (docs/api.md); a click "
        "opens the call. " + style.CUES,
        grid,
        source.query(source.SESSIONS, CALLS, root="sessions", params=LIVE),
        CALLS,
        _call_fields(),
        sorted_by="need",
    )


def alerts(grid: style.Grid) -> Json:
    """Return the newest begins and ends of alerts of all calls."""
    return style.listing(
        "Alerts of all calls",
        "The newest begins and ends of alerts of all calls, live or not (docs/alerts.md).",
        grid,
        source.query(source.ALL_ALERTS, ALERTS, root="alerts", params={"limit": "200"}),
        ALERTS,
        session_panels.alert_fields("end_ms"),
        sorted_by="at",
    )


def _number(
    title: str, about: str, grid: style.Grid, columns: dict[str, str], calc: str, **look: Any
) -> Json:
    return style.panel(
        "stat",
        title,
        about,
        grid,
        targets=[source.query(source.SESSIONS, columns, root="sessions", params=LIVE)],
        fieldConfig=style.fields("none", noValue="0", decimals=0, **look),
        options={
            "reduceOptions": {"values": False, "calcs": [calc], "fields": "/.*/"},
            "colorMode": "value",
            "graphMode": "none",
            "textMode": "value",
        },
    )


def _call_fields() -> list[Json]:
    share = {"unit": "percentunit", "min": 0, "max": 1, "decimals": 0, "custom__width": 100}
    return [
        style.override("session", links=[session_panels.OPEN], custom__minWidth=180),
        style.override("party", links=[session_panels.OPEN], custom__width=90),
        style.override(
            "shown",
            displayName="displayed",
            mappings=style.emotions_or_nothing(),
            custom__cellOptions={"type": "color-background", "mode": "basic"},
            custom__width=120,
        ),
        *(style.override(name, **share) for name in ("confidence", "disagreement", "need")),
        style.override("valence", decimals=2, custom__width=80),
        style.override("conflict", displayName="contradiction"),
        style.override("alerts", custom__width=70),
        style.override("alert", displayName="newest active alert"),
        style.override("start_ms", displayName="from", unit="dateTimeFromNow", custom__width=130),
        style.override("end_ms", displayName="until", unit="dateTimeFromNow", custom__width=130),
    ]
