"""Marks on the time axis of a call: its alerts, turning points and contradictions, each in a sentence."""

from collections.abc import Iterable, Iterator
from typing import Literal

from pydantic import Field

from affectstream.analytics.alerts import in_order
from affectstream.analytics.records import PartySummary, Summary
from affectstream.dashboards.responses import Ms, ResponseModel
from affectstream.schemas.alert import Alert
from affectstream.schemas.messages import Party

MarkKind = Literal["alert", "turning_point", "contradiction"]


class Mark(ResponseModel):
    """Something that happened to a party, and when."""

    kind: MarkKind
    party: Party
    start_ms: Ms
    end_ms: Ms = Field(description="of an active alert: the end of the party's newest window")
    text: str = Field(examples=["customer: from neutral to angry"])


def marks(summary: Summary, alerts: Iterable[Alert]) -> list[Mark]:
    """Return the marks of a session by their start."""
    found = [*_alerts(summary, alerts), *(mark for party in summary.parties for mark in _changes(party))]
    return sorted(found, key=lambda mark: (mark.start_ms, mark.party, mark.kind, mark.text))


def _alerts(summary: Summary, alerts: Iterable[Alert]) -> Iterator[Mark]:
    begins: dict[str, Alert] = {}
    ends = {party.party: party.end_ms for party in summary.parties}
    over: dict[str, int] = {}
    for alert in in_order(alerts):
        if alert.edge == "begin":
            begins[alert.alert_id] = alert
        else:
            over[alert.alert_id] = alert.end_ms
    for name, alert in begins.items():
        end_ms = over.get(name, ends.get(alert.party, alert.end_ms))
        yield Mark(kind="alert", party=alert.party, start_ms=alert.since_ms, end_ms=end_ms, text=alert.text)


def _changes(party: PartySummary) -> Iterator[Mark]:
    who = party.party
    for turn in party.turning_points:
        text = f"{who}: from {turn.before} to {turn.after}"
        yield Mark(kind="turning_point", party=who, start_ms=turn.at_ms, end_ms=turn.at_ms, text=text)
    for episode in party.episodes:
        yield Mark(
            kind="contradiction",
            party=who,
            start_ms=episode.start_ms,
            end_ms=episode.end_ms,
            text=f"{who}: {episode.text}",
        )
