"""A call as a script, line by line as it goes on: what was said, what is displayed, and why; alerts."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.console import Group
from rich.padding import Padding
from rich.text import Text

from affectstream.analytics import alerts
from affectstream.analytics.changes import mean
from affectstream.analytics.label import Display, DisplayedLabel, LabelFold
from affectstream.analytics.records import clock
from affectstream.analytics.rules import Rule
from affectstream.schemas.conflict import WORDS
from affectstream.schemas.labels import COLOURS, top
from affectstream.schemas.messages import FusedEmotion, Modality, Party

if TYPE_CHECKING:
    from affectstream.producers.turns import Turn

INDENT = 5  # of what stands below the words: the width of a time
ALERT = "bold #e23400"


@dataclass
class Side:
    """What is known of one party so far."""

    labels: LabelFold
    alerts: alerts.State
    windows: list[tuple[FusedEmotion, DisplayedLabel]]
    end_ms: int = 0


class Script:
    """The turns of a call, each printed once all of its windows are final."""

    def __init__(
        self, turns: Iterable["Turn"], origin_ms: int, display: Display, rules: Sequence[Rule]
    ) -> None:
        self._turns = sorted((t for t in turns if t.party), key=lambda turn: turn.end_ms)
        self._origin_ms, self._display, self._rules = origin_ms, display, rules
        self._sides: dict[Party, Side] = {}
        self.newest_ms = 0  # end of the newest final

    def add(self, windows: Iterable[FusedEmotion]) -> Iterator[Group | Text]:
        """Take in windows, each party's finals in order; yield what has become known by them."""
        for final in windows:
            if final.pane == "final":
                yield from self._alerts(final)
        while self._turns and self._is_final(self._turns[0]):
            yield self._line(self._turns.pop(0))

    def rest(self) -> Iterator[Group]:
        """Yield the turns that no window has followed."""
        while self._turns:
            yield self._line(self._turns.pop(0))

    def _alerts(self, final: FusedEmotion) -> Iterator[Text]:
        side = self._sides.setdefault(
            final.party, Side(LabelFold(self._display), alerts.start(self._rules), [])
        )
        side.windows.append((final, side.labels.add(final)))
        side.end_ms = self.newest_ms = max(final.end_ms, self.newest_ms)
        side.alerts, raised = alerts.step(self._rules, side.alerts, final)
        for alert in raised:
            sign = "! alert" if alert.edge == "begin" else "  alert over"
            yield Text.assemble(
                f"{self._clock(final.end_ms)} ",
                (f"{sign}: {alert.text}", ALERT if alert.edge == "begin" else ""),
            )

    def _is_final(self, turn: "Turn") -> bool:
        side = self._sides.get(turn.party) if turn.party else None
        return side is not None and side.end_ms >= turn.end_ms

    def _line(self, turn: "Turn") -> Group:
        assert turn.party
        said = Text.assemble(
            f"{self._clock(turn.start_ms):>4} ", (turn.party.capitalize(), "bold"), f' "{turn.text}"'
        )
        side = self._sides.get(turn.party)
        windows = [
            each
            for each in (side.windows if side else [])
            if turn.start_ms < each[0].end_ms and each[0].start_ms < turn.end_ms
        ]
        return Group(said, Padding(result(windows), (0, 0, 0, INDENT)))

    def _clock(self, at_ms: int) -> str:
        return clock(at_ms - self._origin_ms)


def result(windows: Sequence[tuple[FusedEmotion, DisplayedLabel]]) -> Text:
    """Return what is displayed most in windows, and what each modality says or why it says nothing."""
    shown = [displayed.label for _, displayed in windows if displayed.label]
    if not windows:
        return Text("no window", style="dim")
    if shown:
        most = max(shown, key=lambda name: (shown.count(name), -shown.index(name)))
        sure = [f.confidence for f, displayed in windows if displayed.label == most]
        head = Text.assemble((most.upper(), f"bold {COLOURS[most]}"), f" {sum(sure) / len(sure):.2f}")
    else:
        unsure = any(displayed.uncertain for _, displayed in windows)
        head = Text("unsure" if unsure else "nothing to read", style="italic")
    finals = [final for final, _ in windows]
    return Text.assemble(head, (f"  ({', '.join(filter(None, (_of(finals, m) for m in WORDS)))})", "dim"))


def _of(finals: Sequence[FusedEmotion], modality: Modality) -> str:
    """Return ``voice angry``, or ``face: no face``; nothing where the modality is no part of the call."""
    states = [state for final in finals for state in final.modalities if state.modality == modality]
    p = mean([state.p for state in states if state.p is not None])
    if p is not None:
        return f"{WORDS[modality]} {top(p)}"
    reasons = [str(state.reason or state.state).replace("_", " ") for state in states]
    return f"{WORDS[modality]}: {max(reasons, key=reasons.count)}" if reasons else ""
