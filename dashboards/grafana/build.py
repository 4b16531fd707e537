"""The dashboard *Call timeline* as JSON.

``python -m affectstream.dashboards.grafana.build`` writes the committed file.
"""

import json
from pathlib import Path
from typing import Any

from affectstream.dashboards.grafana import (
    current_panels,
    session_panels,
    source,
    style,
    timeline_panels,
)

Json = dict[str, Any]

FILE = Path(__file__).parent / "dashboards" / "call-timeline.json"
SCHEMA_VERSION = 41  # Grafana 12; newer ones migrate it when they load it


def dashboard() -> Json:
    """Return the dashboard; the panels' ids follow their places."""
    return {
        "uid": style.UID,
        "title": "Call timeline",
        "description": "How each party of a call comes across, window by window, and how far to rely on it. "
        + style.CUES,
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
        "annotations": {"list": _annotations()},
        "links": _links(),
        "templating": {"list": _variables()},
        "panels": [panel | {"id": number} for number, panel in enumerate(_panels(), start=1)],
    }


def _annotations() -> list[Json]:
    return [
        source.annotation("Alerts", current_panels.POOR, "alert"),
        source.annotation("Turning points", style.TURN, "turning_point"),
        source.annotation("Contradictions", current_panels.FAIR, "contradiction"),
    ]


def _variables() -> list[Json]:
    return [
        source.variable("session", "Session", source.SESSIONS, "sessions", "session"),
        source.variable("party", "Party", source.PARTIES, "parties", "party", source.OF_SESSION),
    ]


def _links() -> list[Json]:
    kept = f"/d/{style.UID}?var-session=${{session}}&var-party=${{party}}"
    return [
        _link("Live", "Follow the call: the last five minutes", f"{kept}&from=now-5m&to=now&refresh=5s"),
        _link("Last day", "Everything of this party in the last day", f"{kept}&from=now-24h&to=now"),
    ]


def _link(title: str, tooltip: str, url: str) -> Json:
    return {
        "type": "link",
        "title": title,
        "tooltip": tooltip,
        "url": url,
        "icon": "external link",
        "tags": [],
    }


def _panels() -> list[Json]:
    return [
        current_panels.emotion((0, 0, 5, 6)),
        current_panels.probabilities((5, 0, 9, 6)),
        current_panels.measures((14, 0, 5, 6)),
        current_panels.age((19, 0, 5, 6)),
        timeline_panels.dominant((0, 6, 24, 4)),
        timeline_panels.probabilities((0, 10, 24, 9)),
        timeline_panels.measures((0, 19, 12, 8)),
        timeline_panels.weights((12, 19, 12, 8)),
        timeline_panels.states((0, 27, 24, 6)),
        session_panels.alerts((0, 33, 14, 8)),
        session_panels.summary((14, 33, 10, 8)),
        session_panels.happened((0, 41, 24, 8)),
        session_panels.sessions((0, 49, 24, 9)),
    ]


def text() -> str:
    """Return the file's text; the same dashboard gives the same bytes."""
    return json.dumps(dashboard(), indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    """Write the committed file."""
    FILE.write_text(text(), encoding="utf-8")


if __name__ == "__main__":
    main()
