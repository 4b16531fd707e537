"""What a session amounts to, for the terminal and as JSON.

The arithmetic is that of ``analytics``, over the final windows alone: a live session, its replay and the
run without a broker give the same.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Table
from rich.text import Text

from affectstream.analytics.alerts import alerts
from affectstream.analytics.records import Named, PartySummary, Summary
from affectstream.analytics.rules import read
from affectstream.analytics.summary import summarise
from affectstream.runtime.settings import AlertSettings
from affectstream.schemas.errors import InputError
from affectstream.schemas.labels import COLOURS, EMOTIONS
from affectstream.schemas.messages import Alert, FusedEmotion
from affectstream.tables import profile

CHANGED = 0.05  # of a mean probability, from start to end; less is not worth a word


@dataclass(frozen=True)
class Report:
    """A session's summary, and the alerts that its windows raise."""

    summary: Summary
    alerts: Sequence[Alert]

    def json(self) -> str:
        """Return the report as indented JSON; equal windows and rules give equal bytes."""
        told = [alert.model_dump(mode="json", exclude={"type"}) for alert in self.alerts]
        return json.dumps(self.summary.model_dump(mode="json") | {"alerts": told}, indent=2) + "\n"


def report(finals: Sequence[FusedEmotion], settings: AlertSettings) -> Report:
    """Return the report on a session; raises SettingsError for bad rules, InputError without a window."""
    rules = read(settings.rules) if settings.enabled else ()
    return Report(summarise(finals), alerts(rules, finals))


def write(made: Report, path: Path) -> None:
    """Write a report as JSON; raises InputError."""
    try:
        path.write_text(made.json(), encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from error


def shown(made: Report, title: str) -> Group:
    """Return a report for the terminal: a table of the parties, then what happened when."""
    return Group(_table(made.summary.parties, title), _events(made))


def _table(parties: Iterable[PartySummary], title: str) -> Table:
    out = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for name in ("party", "seconds", "share of time", "mean", "sure", "split", "unknown"):
        left = name in ("party", "share of time", "mean")
        out.add_column(name, justify="left" if left else "right", min_width=len(EMOTIONS) if left else None)
    for party in parties:
        out.add_row(
            party.party,
            f"{(party.end_ms - party.start_ms) / 1000:.0f}",
            _shares(party.shares),
            profile(tuple(party.mean.values()) if party.mean else None),
            f"{party.confidence:.2f}",
            f"{party.disagreeing:.0%}",
            f"{party.unknown:.0%}",
        )
    return out


def _shares(shares: Named) -> Text:
    by_size = sorted(shares.items(), key=lambda pair: -pair[1])
    return Text(", ").join(Text(f"{name} {share:.0%}", style=COLOURS[name]) for name, share in by_size)


def _events(made: Report) -> Table:
    out = Table.grid(padding=(0, 2, 0, 0))
    origin_ms = made.summary.start_ms
    for party in made.summary.parties:
        who: str = party.party
        for what, text in _of_party(party, origin_ms):
            out.add_row(who, Text(what, style="dim"), text)
            who = ""
    for number, alert in enumerate(made.alerts):
        told = f"{_at(alert.start_ms, origin_ms)} {alert.text}"
        out.add_row("" if number else "alerts", Text(alert.edge, style="dim"), told)
    return out


def _of_party(party: PartySummary, origin_ms: int) -> Iterator[tuple[str, Text]]:
    """Yield what there is to say of one party, line by line."""
    yield "quarters", Text(" > ").join(_emotion(quarter.label) for quarter in party.quarters)
    if party.change:
        yield "changed", _changes(party.change)
    for turn in party.turning_points:
        line = (f"{_at(turn.at_ms, origin_ms)} ", _emotion(turn.before), " > ", _emotion(turn.after))
        yield "turned", Text.assemble(*line)
    for episode in party.episodes:
        times = f"{_at(episode.start_ms, origin_ms)} to {_at(episode.end_ms, origin_ms)}"
        yield "split", Text(f"{times} {episode.text}")


def _changes(change: Named) -> Text:
    large = sorted((pair for pair in change.items() if abs(pair[1]) >= CHANGED), key=lambda pair: -pair[1])
    parts = [Text(f"{name} {value:+.2f}", style=COLOURS[name]) for name, value in large]
    return Text(", ").join(parts) if parts else Text("little from start to end")


def _emotion(label: str | None) -> Text:
    return Text(label or "-", style=COLOURS[label] if label else "dim")


def _at(ms: int, origin_ms: int) -> str:
    return f"{(ms - origin_ms) / 1000:.0f} s"
