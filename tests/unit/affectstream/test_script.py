"""The call as a script: each turn once its windows are final, with what is displayed and why."""

from collections.abc import Iterable

from rich.console import Console
from support.observations import final

from affectstream.analytics.label import Display
from affectstream.analytics.rules import Rule
from affectstream.producers.turns import Turn
from affectstream.schemas.labels import INDEX, N_EMOTIONS
from affectstream.schemas.messages import FusedEmotion, Modality, ModalityState, Reason
from affectstream.script import Script

SAID = Turn(10_000, 12_000, "customer", "Nobody has fixed it!")
RULES = (Rule(name="angry", kind="above", emotions=("angry",), level=0.6, seconds=1),)


def p(emotion: str) -> tuple[float, ...]:
    """A distribution in which an emotion leads."""
    return tuple(0.7 if i == INDEX[emotion] else 0.05 for i in range(N_EMOTIONS))


def present(modality: Modality, emotion: str) -> ModalityState:
    """A modality with evidence."""
    return ModalityState(modality=modality, state="present", p=p(emotion), weight=0.5)


def window(end_s: int, emotion: str | None, *states: ModalityState) -> FusedEmotion:
    """A final window of the customer."""
    return final(end_s * 1000, emotion and p(emotion), session_id="call", party="customer", modalities=states)


def printed(lines: Iterable[object]) -> str:
    """What a terminal of 80 columns shows."""
    console = Console(width=80, color_system=None)
    with console.capture() as capture:
        for line in lines:
            console.print(line, highlight=False)
    return "\n".join(line.rstrip() for line in capture.get().splitlines())


def script(*turns: Turn, rules: tuple[Rule, ...] = ()) -> Script:
    """A script of turns that begins at 0."""
    return Script(turns, 0, Display(), rules)


def test_a_turn_comes_once_its_last_window_is_final() -> None:
    call = script(SAID)
    # windows  |10----11|11----12|      the turn ends at 12
    assert printed(call.add([window(11, "angry", present("text", "angry"))])) == ""
    text = printed(call.add([window(12, "angry", present("text", "angry"))]))
    assert text.splitlines() == ['0:10 Customer "Nobody has fixed it!"', "     ANGRY 0.70  (words angry)"]
    assert printed(call.rest()) == ""


def test_each_modality_says_its_own_or_why_it_says_nothing() -> None:
    hidden = ModalityState(modality="video", state="abstained", reason=Reason.NO_FACE)
    states = (hidden, present("audio", "fear"), present("text", "angry"))
    text = printed(script(SAID).add([window(11, "angry", *states), window(12, "angry", *states)]))
    assert "(face: no face, words angry, voice fear)" in text


def test_no_evidence_is_written_as_such() -> None:
    missing = ModalityState(modality="text", state="missing")
    text = printed(script(SAID).add([window(11, None, missing), window(12, None, missing)]))
    assert "nothing to read  (words: missing)" in text


def test_alerts_begin_and_end_between_the_turns() -> None:
    call = script(rules=RULES)
    angry, calm = present("text", "angry"), present("text", "neutral")
    text = printed(call.add([window(1, "angry", angry), window(2, "neutral", calm)]))
    assert text.startswith("0:01 ! alert: customer: angry at least 0.60")
    assert "0:02   alert over:" in text


def test_what_no_window_followed_is_printed_at_the_end() -> None:
    assert "no window" in printed(script(SAID).rest())


def test_eighty_columns_are_enough() -> None:
    long = Turn(10_000, 12_000, "customer", "This is the third time. " * 6)
    lines = printed(script(long).add([window(12, "angry", present("text", "angry"))])).splitlines()
    assert max(map(len, lines)) <= 80
