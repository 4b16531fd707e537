"""What the page of a call writes about a party: cues, weights and reasons, what happened."""

from collections.abc import Iterable
from typing import Any

from affectstream.analytics.records import PartySummary
from affectstream.dashboards.page.course import Mark
from affectstream.dashboards.responses import PartyRow
from affectstream.schemas.alert import Alert
from affectstream.schemas.conflict import WORDS
from affectstream.schemas.messages import UNATTRIBUTED, Party

NOUNS = {"angry": "anger", "happy": "happiness", "sad": "sadness", "neutral": "a neutral state"} | {
    name: name for name in ("fear", "disgust", "surprise")
}


def heading(party: Party) -> str:
    """Return the heading of a party."""
    return f"{party} (not attributable)" if party == UNATTRIBUTED else party


def line(row: PartyRow) -> str:
    """Return what is displayed of a party now, or was at the end, in words."""
    when = "now" if row.state == "live" else "at the end"
    if row.shown is None:
        return f"{when}: unsure" if row.label else f"{when}: nothing to read"
    text = f"{when}: cues consistent with {NOUNS[row.shown]}, {row.confidence:.2f}"
    return f"{text}; {row.conflict}" if row.conflict else text


def why(bucket: dict[str, Any]) -> str:
    """Return what each modality contributes: its weight, or why it has none."""
    parts = []
    for modality, word in WORDS.items():
        status = bucket.get(f"{modality}_status")
        if status is None:
            continue
        weight = bucket.get(f"{modality}_weight") or 0.0
        parts.append(f"{word}: weight {weight:.2f}" if weight else f"{word}: {str(status).replace('_', ' ')}")
    return ", ".join(parts)


def marks(alerts: Iterable[Alert], party: PartySummary | None, end_ms: int) -> list[Mark]:
    """Return what happened to a party, in order; an alert that is open lasts until now."""
    known = list(alerts)
    ends = {alert.alert_id: alert.end_ms for alert in known if alert.edge == "end"}
    found = [
        Mark(
            "alert",
            a.since_ms,
            ends.get(a.alert_id, end_ms),
            a.text.removeprefix(f"{a.party}: "),
            is_open=a.alert_id not in ends,
        )
        for a in known
        if a.edge == "begin"
    ]
    if party is not None:
        found += [Mark("contradiction", e.start_ms, e.end_ms, e.text) for e in party.episodes]
        found += [
            Mark("turning point", t.at_ms, t.at_ms, f"{t.before} to {t.after}") for t in party.turning_points
        ]
    return sorted(found, key=lambda mark: (mark.from_ms, mark.kind))
