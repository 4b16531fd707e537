"""Turns and talk of a session, drawn as windows of a second."""

import pytest
from support.session_lines import spread, window

from affectstream.analytics.label import Display
from affectstream.analytics.turns import Words, conversation
from affectstream.schemas.messages import FusedEmotion, ModalityState, Party

EMOTION = {"a": "angry", "h": "happy", "n": "neutral"}


def party(line: str, who: Party = "customer", words: bool = True) -> list[FusedEmotion]:
    """Finals of a line: a, h, n: an utterance with that emotion; +: two meet; blank: silence."""
    made = []
    for second, letter in enumerate(line):
        p = None if letter == " " else spread(EMOTION.get(letter, "sad"), 0.7)
        state = ModalityState(
            modality="text" if words else "audio",
            state="missing" if p is None else "present",
            p=p,
            weight=0.0 if p is None else 1.0,
            count=2 if letter == "+" else int(p is not None),
        )
        made.append(window(second, p, who, modalities=(state,)))
    return made


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("aaa  hh", [(0, 3000, "angry"), (5000, 7000, "happy")]),
        ("aaahh", [(0, 3000, "angry"), (3000, 5000, "happy")]),
        ("aa+hh", [(0, 2500, "angry"), (2500, 5000, "happy")]),
        ("+hh", [(0, 1000, "sad"), (1000, 3000, "happy")]),
        ("aa+ hh", [(0, 2000, "angry"), (2000, 3000, "sad"), (4000, 6000, "happy")]),
        ("   ", []),
    ],
)
def test_an_utterance_is_a_run_of_windows_with_one_distribution_from_the_words(line, expected):
    turns = conversation(party(line), Display()).turns
    assert [(turn.start_ms, turn.end_ms, turn.words) for turn in turns] == expected
    assert all(turn.source == "words" and turn.face is None for turn in turns)


def test_a_party_without_words_has_a_turn_for_every_stretch_of_voice():
    found = conversation(party("aah  n", words=False), Display())
    assert [(turn.start_ms, turn.end_ms, turn.source) for turn in found.turns] == [
        (0, 3000, "voice"),
        (5000, 6000, "voice"),
    ]


# seconds      0    5    10
# customer     aaaa      hhh      one second of overlap at 3, the agent interrupts at 2.
# agent          nnnn
def test_talk_silence_interruptions_and_monologues():
    found = conversation([*party("aaaa      hhh"), *party("  nnnn       ", "agent")], Display())
    customer, agent = found.talk
    assert found.silence == round(1 - 9 / 13, 6)
    assert (customer.turns, customer.talk_ms, customer.longest_ms) == (2, 7000, 4000)
    assert (agent.turns, agent.talk_ms, agent.interruptions) == (1, 4000, 1)
    assert (customer.talk_share, customer.interruptions) == (round(7 / 11, 6), 0)
    assert customer.valence_start < 0 < customer.valence_end


def test_words_are_attached_to_the_turn_that_they_are_in_and_give_the_speed():
    words = [Words("customer", 100, 1900, "where is it"), Words("customer", 5000, 6900, "thank you")]
    found = conversation(party("aa   hh"), Display(), words)
    assert [turn.text for turn in found.turns] == ["where is it", "thank you"]
    assert found.talk[0].words_per_minute == 75.0
    assert conversation(party("aa   hh"), Display()).talk[0].words_per_minute is None
