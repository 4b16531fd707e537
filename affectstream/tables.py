"""What commands print: the live table of windows, the report on a session, listings, a progress bar."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from affectstream.analytics.label import Display, DisplayedLabel, LabelFold
from affectstream.console import can_print
from affectstream.schemas.conflict import conflict
from affectstream.schemas.labels import COLOURS, EMOTIONS, MODALITY_COLOURS
from affectstream.schemas.messages import MODALITIES, FusedEmotion, ModalityState

if TYPE_CHECKING:
    from rich.progress import Progress

    from affectstream.analytics.records import Named, PartySummary
    from affectstream.export import Report

BLOCKS, PLAIN_BLOCKS = " ▁▂▃▄▅▆▇█", " .:-=+*%#"  # the latter for terminals that have no others
BAR_CHARACTERS, PLAIN_BAR = ("█", "·"), ("#", ".")
BAR, WEIGHT = 4, 2  # characters
EIGHTHS = " ▏▎▍▌▋▊▉█"  # of a character, from the left
SHORT = {"not_permitted": "withheld"}  # reasons that a cell does not hold
CHANGED = 0.05  # of a mean probability, from start to end; less is not worth a word
YEAR_10000_MS = 253_402_300_800_000


class LiveTable:
    """The newest windows of a session, newest last; an early one is dim until its final replaces it.

    "emotion" is the displayed label, a question mark where it is uncertain. "sure" is the confidence, "all"
    the seven probabilities in the order of the labels, "split" how far the modalities contradict each other;
    the newest such conflict stands below in words. A modality's cell holds its own label and its weight as a
    bar, since a number beside a label is read as its probability; 80 columns hold all of it.
    """

    def __init__(self, title: str, origin_ms: int, display: Display, rows: int = 16) -> None:
        self.title = title
        self.origin_ms = origin_ms
        self._most = rows
        self._labels = LabelFold(display)
        self._rows: dict[tuple[int, str], tuple[FusedEmotion, DisplayedLabel]] = {}

    def add(self, windows: Iterable[FusedEmotion]) -> None:
        """Take in windows, each party's in order; one that is there is replaced, the newest are kept."""
        self._rows |= {(fused.end_ms, fused.party): (fused, self._labels.add(fused)) for fused in windows}
        self._rows = dict(sorted(self._rows.items())[-self._most :])

    @property
    def newest_ms(self) -> int:
        """The end of the newest window shown."""
        return max((end_ms for end_ms, _ in self._rows), default=0)

    def __rich__(self) -> Table:
        table = _headed(self.title)
        table.padding, table.show_edge = 0, False
        for name in ("time", "party", "emotion", "sure", "all", *MODALITIES, "split"):
            width = {"sure": BAR, "all": len(EMOTIONS), "split": 5}.get(name)
            table.add_column(
                name, justify="right" if name == "time" else "left", min_width=width, no_wrap=True
            )
        for fused, displayed in self._rows.values():
            table.add_row(
                *cells(fused, displayed, self.origin_ms), style="dim" if fused.pane == "early" else None
            )
        table.caption = self._conflict()
        table.caption_justify = "left"
        return table

    def _conflict(self) -> str | None:
        """Return the newest conflict of modalities that is shown, in words."""
        for fused, _ in reversed(self._rows.values()):
            if sentence := conflict(fused):
                return f"{seconds(fused, self.origin_ms)}, {fused.party}: {sentence}"
        return None


def _headed(title: str) -> Table:
    """Return an empty table without lines between its columns; brackets in the title are no markup."""
    title = escape(title)
    return Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)


def cells(fused: FusedEmotion, displayed: DisplayedLabel, origin_ms: int) -> list[Text | str]:
    """Return one window as the cells of a table's row."""
    by_name = {s.modality: s for s in fused.modalities}
    label = displayed_label(displayed)
    filled = round(fused.confidence * BAR)
    (full, empty) = BAR_CHARACTERS if can_print("█·") else PLAIN_BAR
    bar = Text(full * filled + empty * (BAR - filled), style=label.style)
    return [
        seconds(fused, origin_ms),
        fused.party,
        label,
        bar,
        profile(fused.p),
        *(modality_cell(by_name.get(m)) for m in MODALITIES),
        f"{fused.disagreement:.2f}",
    ]


def seconds(fused: FusedEmotion, origin_ms: int) -> str:
    """Return when the window begins, from the origin."""
    return f"{(fused.start_ms - origin_ms) / 1000:.0f} s"


def displayed_label(displayed: DisplayedLabel) -> Text:
    """Return the displayed label; a question mark where that is uncertain, a dash without evidence."""
    if displayed.label is None:
        return Text("?" if displayed.uncertain else "-", style="dim")
    return Text(displayed.label, style=COLOURS[displayed.label])


def profile(p: tuple[float, ...] | None) -> Text:
    """Return seven coloured blocks, as high as the probabilities, in the order of the labels."""
    text = Text()
    blocks = BLOCKS if can_print(BLOCKS) else PLAIN_BLOCKS
    for name, value in zip(EMOTIONS, p or (0.0,) * len(EMOTIONS), strict=True):
        text.append(blocks[round(value * (len(blocks) - 1))], style=COLOURS[name])
    return text


def modality_cell(state: ModalityState | None) -> Text:
    """Return what one modality brought: its own label and weight, or why it had nothing to say."""
    if state is None:
        return Text("")
    if state.p is None:
        reason = str(state.reason or state.state)
        return Text(SHORT.get(reason, reason), style="dim italic")
    own = EMOTIONS[max(range(len(EMOTIONS)), key=lambda i: (state.p or ())[i])]
    return Text.assemble(
        (own, COLOURS[own]), (f" {weight_bar(state.weight)}", MODALITY_COLOURS[state.modality])
    )


def weight_bar(weight: float) -> str:
    """Return a bar of WEIGHT characters, as long as a weight in [0, 1]; a mark where there is any."""
    if not can_print(EIGHTHS):
        return PLAIN_BAR[0] * max(round(weight * WEIGHT), weight > 0)
    whole, rest = divmod(max(round(8 * WEIGHT * weight), weight > 0), 8)
    return (EIGHTHS[-1] * whole + EIGHTHS[rest]).rstrip()


def summary_table(made: "Report", title: str) -> Group:
    """Return a report for the terminal: a table of the parties, then what happened when."""
    parts = [_table(made.summary.parties, title), _events(made)]
    return Group(*parts, *([Text(made.licence, style="dim")] if made.licence else []))


def _table(parties: "Iterable[PartySummary]", title: str) -> Table:
    out = _headed(title)
    for name in ("party", "seconds", "share of time", "mean", "sure", "split", "unknown"):
        left = name in ("party", "share of time", "mean")
        out.add_column(name, justify="left" if left else "right", min_width=len(EMOTIONS) if left else None)
    for party in parties:
        out.add_row(
            party.party,
            f"{(party.end_ms - party.start_ms) / 1000:.0f}",
            _shares(party),
            profile(tuple(party.mean.values()) if party.mean else None),
            f"{party.confidence:.2f}",
            f"{party.disagreeing:.0%}",
            f"{party.unknown:.0%}",
        )
    return out


def _shares(party: "PartySummary") -> Text:
    shares = [*sorted(party.shares.items(), key=lambda pair: -pair[1]), ("unsure", party.unsure)]
    return Text(", ").join(Text(f"{n} {share:.0%}", style=COLOURS.get(n, "")) for n, share in shares if share)


def _events(made: "Report") -> Table:
    out = Table.grid(padding=(0, 2, 0, 0))
    origin_ms = made.summary.start_ms
    for party in made.summary.parties:
        who: str = party.party
        for what, text in _of_party(party, origin_ms):
            out.add_row(who, Text(what, style="dim"), text)
            who = ""
    from affectstream.turns import talk_line

    for talk in made.talk.talk if made.talk else ():
        out.add_row(talk.party, Text("talks", style="dim"), talk_line(talk))
    for number, alert in enumerate(made.alerts):
        told = Text(f"{_at(alert.start_ms, origin_ms)} {alert.text}")
        out.add_row("" if number else "alerts", Text(alert.edge, style="dim"), told)
    return out


def _of_party(party: "PartySummary", origin_ms: int) -> Iterator[tuple[str, Text]]:
    """Yield the lines of one party: what kind of line, and its text."""
    yield "quarters", Text(" > ").join(_emotion(quarter.label) for quarter in party.quarters)
    if party.change:
        yield "changed", _changes(party.change)
    for turn in party.turning_points:
        line = (f"{_at(turn.at_ms, origin_ms)} ", _emotion(turn.before), " > ", _emotion(turn.after))
        yield "turned", Text.assemble(*line)
    for episode in party.episodes:
        times = f"{_at(episode.start_ms, origin_ms)} to {_at(episode.end_ms, origin_ms)}"
        yield "split", Text(f"{times} {episode.text}")


def _changes(change: "Named") -> Text:
    large = sorted((pair for pair in change.items() if abs(pair[1]) >= CHANGED), key=lambda pair: -pair[1])
    parts = [Text(f"{name} {value:+.2f}", style=COLOURS[name]) for name, value in large]
    return Text(", ").join(parts) if parts else Text("little from start to end")


def _emotion(label: str | None) -> Text:
    return Text(label or "-", style=COLOURS[label] if label else "dim")


def _at(ms: int, origin_ms: int) -> str:
    return f"{(ms - origin_ms) / 1000:.0f} s"


def progress_bar(verb: str, console: Console, transient: bool = False) -> "Progress":
    """Return a bar of seconds of a recording; the task's description is the session."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    return Progress(
        TextColumn(verb + " {task.description}"),
        BarColumn(),
        TextColumn("{task.completed:.0f} of {task.total:.0f} s"),
        TimeElapsedColumn(),
        console=console,
        transient=transient,
    )


def listing(title: str, *columns: str) -> Table:
    """Return an empty table whose long cells are folded."""
    table = Table(title=escape(title), title_justify="left")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def utc(ms: int) -> str:
    """Return an instant in milliseconds since the epoch as date and time in UTC, or the number as it is."""
    if not 0 <= ms < YEAR_10000_MS:
        return f"{ms} ms"
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
