"""Rows of the tables of a conversation: what is unknown is a dash, valence has its sign."""

from affectstream.analytics.records import Quarter
from affectstream.analytics.turns import Talk, Turn
from affectstream.dashboards.page.conversation import quarter, talk_row, turn_row

TURN = Turn(
    party="customer", start_ms=61_000, end_ms=64_000, source="words", label="angry", confidence=0.714,
    face=None, voice="angry", words="neutral", valence=-0.6,
)  # fmt: skip
TALK = Talk(
    party="agent", turns=3, talk_ms=90_000, talk_share=0.25, interruptions=1, longest_ms=40_000,
    words_per_minute=None, valence_start=None, valence_end=0.2,
)  # fmt: skip


def test_a_turn_counts_from_the_start_of_the_call() -> None:
    row = turn_row(TURN, 1_000)
    assert (row["at"], row["length"], row["from_ms"]) == ("1:00", "0:03", 61_000)
    assert (row["cue"], row["face"], row["valence"]) == ("angry 0.71", "-", "-0.60")
    assert turn_row(TURN.model_copy(update={"label": None}), 0)["cue"] == "nothing to read"


def test_talk_is_given_as_times_and_a_share() -> None:
    row = talk_row(TALK)
    assert (row["talks"], row["of the talk"], row["longest"]) == ("1:30", "25 %", "0:40")
    assert row["valence, first to last fifth"] == "- to +0.20"
    assert row["words a minute"] == "-"
    assert talk_row(TALK.model_copy(update={"words_per_minute": 121.6}))["words a minute"] == "122"


def test_a_quarter_without_evidence_has_nothing_to_read() -> None:
    empty = Quarter(start_ms=0, end_ms=1, label=None, mean=None, unknown=1.0)
    assert quarter(empty) == "nothing to read"
    assert quarter(empty.model_copy(update={"label": "sad", "mean": {"sad": 0.5}})) == "sad 0.50"
