"""The dashboards as JSON, and how *Call timeline* is put together.

``python -m affectstream.dashboards.grafana.build`` writes the committed files.
"""

import json
from pathlib import Path
from typing import Any

from affectstream.dashboards.grafana import (
    current_panels,
    overview,
    pipeline,
    session_panels,
    source,
    style,
    timeline_panels,
)

Json = dict[str, Any]

FOLDER = Path(__file__).parent / "dashboards"


def dashboards() -> dict[str, Json]:
    """Return every dashboard by the name of its file."""
    return {
        "calls-overview.json": overview.dashboard(),
        "call-timeline.json": timeline(),
        "pipeline-health.json": pipeline.dashboard(),
    }


def timeline() -> Json:
    """Return the dashboard *Call timeline*."""
    return style.dashboard(
        style.UID,
        "Call timeline",
        "How each party of a call comes across, window by window, and how far to rely on it. " + style.CUES,
        _panels(),
        annotations={"list": _annotations()},
        links=_links(),
        templating={"list": _variables()},
    )


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


def text(dashboard: Json) -> str:
    """Return a file's text; the same dashboard gives the same bytes."""
    return json.dumps(dashboard, indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    """Write the committed files."""
    for name, dashboard in dashboards().items():
        (FOLDER / name).write_text(text(dashboard), encoding="utf-8")


if __name__ == "__main__":
    main()
