"""The conversation on the page of a call: talk and silence, quarters, turns, as tables."""

from collections.abc import Callable, Sequence
from typing import Any

from nicegui import ui

from affectstream.analytics.label import Display
from affectstream.analytics.records import Quarter, Summary, clock
from affectstream.analytics.summary import summarise
from affectstream.analytics.turns import Conversation, Talk, Turn, Words, conversation
from affectstream.schemas.errors import InputError
from affectstream.schemas.messages import FusedEmotion

Row = dict[str, Any]

TALK = (
    "party",
    "talks",
    "of the talk",
    "turns",
    "interrupts",
    "longest",
    "words a minute",
    "valence, first to last fifth",
)
QUARTERS = ("party", "first", "second", "third", "last")
TURNS = ("at", "party", "length", "cue", "face", "voice", "words", "valence")
VALENCE = "Valence: happy less sad, angry, fear and disgust, in the mean probabilities; from -1 to 1."
AT = """<q-td :props="props"><q-btn flat dense no-caps class="plain-button" :label="props.value"
 @click.stop="$parent.$emit('jump', props.row.from_ms)" /></q-td>"""
SAID = "said"  # the column of the words, where there are any
PAGE = 25  # turns on the screen at once


class Tables:
    """The tables, laid out where it is made; ``jump`` is called with the time of a turn that is clicked."""

    def __init__(self, jump: Callable[[int], None]) -> None:
        ui.html("<h2>Who talks</h2>", sanitize=False)
        self._silence = ui.label()
        self._talk = _table(TALK, "party", "Who talks")
        ui.html("<h2>Quarters</h2>", sanitize=False)
        self._quarters = _table(QUARTERS, "party", "Quarters")
        ui.html("<h2>Turns</h2>", sanitize=False)
        ui.label(VALENCE)
        self._turns = _table(TURNS, "key", "Turns", PAGE)
        follow(self._turns, jump)

    def show(self, conversation: Conversation, summary: Summary) -> None:
        """Show a call as it is now."""
        self._silence.text = f"Nobody talks for {100 * conversation.silence:.0f} % of the call."
        self._talk.rows = [talk_row(each) for each in conversation.talk]
        self._quarters.rows = [
            {"party": party.party} | dict(zip(QUARTERS[1:], map(quarter, party.quarters), strict=True))
            for party in summary.parties
        ]
        if any(turn.text for turn in conversation.turns) and SAID not in self._columns():
            wrapped = _column(SAID) | {"classes": "call-sentence"}
            place = TURNS.index("party") + 1
            self._turns.columns = [*self._turns.columns[:place], wrapped, *self._turns.columns[place:]]
        self._turns.rows = [
            turn_row(turn, summary.start_ms) | {"key": i} for i, turn in enumerate(conversation.turns)
        ]

    def _columns(self) -> list[str]:
        return [column["name"] for column in self._turns.columns]


def folded(
    finals: Sequence[FusedEmotion], words: Sequence[Words], display: Display
) -> tuple[Summary, Conversation] | tuple[None, None]:
    """Return what the finals of a call, and the words where there are any, come to; None without finals."""
    try:
        return summarise(finals, display), conversation(finals, display, words)
    except InputError:
        return None, None


def follow(table: ui.table, jump: Callable[[int], None]) -> None:
    """Call ``jump`` with the time of a row that is clicked, or whose time is chosen by keyboard."""
    table.add_slot("body-cell-at", AT)
    table.on("jump", lambda e: jump(e.args))
    table.on("rowClick", lambda e: jump(e.args[1]["from_ms"]))


def talk_row(talk: Talk) -> Row:
    """Return how a party takes part."""
    ends = talk.valence_start, talk.valence_end
    return {
        "party": talk.party,
        "talks": clock(talk.talk_ms),
        "of the talk": f"{100 * talk.talk_share:.0f} %",
        "turns": talk.turns,
        "interrupts": talk.interruptions,
        "longest": clock(talk.longest_ms),
        "words a minute": "-" if talk.words_per_minute is None else f"{talk.words_per_minute:.0f}",
        "valence, first to last fifth": " to ".join(map(signed, ends)),
    }


def quarter(of: Quarter) -> str:
    """Return the label of a quarter's mean probabilities, with its probability."""
    if of.label is None or of.mean is None:
        return "nothing to read"
    return f"{of.label} {of.mean[of.label]:.2f}"


def turn_row(turn: Turn, origin_ms: int) -> Row:
    """Return an utterance; times count from ``origin_ms``."""
    return {
        "at": clock(turn.start_ms - origin_ms),
        "party": turn.party,
        "length": clock(turn.end_ms - turn.start_ms),
        "cue": f"{turn.label} {turn.confidence:.2f}" if turn.label else "nothing to read",
        "face": turn.face or "-",
        "voice": turn.voice or "-",
        "words": turn.words or "-",
        "valence": signed(turn.valence),
        SAID: turn.text or "",
        "from_ms": turn.start_ms,
    }


def signed(value: float | None) -> str:
    """Return a valence with its sign; a dash where there is none."""
    return "-" if value is None else f"{value:+.2f}"


def _table(names: tuple[str, ...], key: str, label: str, pagination: int | None = None) -> ui.table:
    table = ui.table(columns=list(map(_column, names)), rows=[], row_key=key, pagination=pagination)
    return table.classes("call-events call-turns" if pagination else "system-table").props(
        f'aria-label="{label}" no-data-label="Nothing yet"'
    )


def _column(name: str) -> Row:
    return {"name": name, "label": name, "field": name, "align": "left"}
