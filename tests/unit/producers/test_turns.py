"""Who spoke, what came before, and the silence between."""

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from affectstream.producers.transcripts import Utterance
from affectstream.producers.turns import TextInterval, Turn, role, silence, text_intervals, turns
from affectstream.schemas.errors import InputError

PATH = Path("call.vtt")


def parties(speakers, among=("customer", "agent"), table=None):
    said = [Utterance(i, i + 1, speaker, "x") for i, speaker in enumerate(speakers)]
    return [turn.party for turn in turns(PATH, said, among, table or {}, 0)]


@pytest.mark.parametrize(
    ("speakers", "among", "table", "expected"),
    [
        (["Customer", "Agent"], ("customer", "agent"), {}, ["customer", "agent"]),
        (["CALLER 1", "Support desk"], ("customer", "agent"), {}, ["customer", "agent"]),
        (["the client", "Agent"], ("customer",), {}, ["customer", "agent"]),
        (["S0", "S1"], ("customer", "agent"), {"s0": "agent", "S1": "customer"}, ["agent", "customer"]),
        (["Customer", "Kim"], ("customer", "other"), {"Kim": "other"}, ["customer", "other"]),
        (["Customer", "Customer Service"], ("customer", "agent"), {}, ["customer", "agent"]),
        (["Customer", None], ("customer",), {}, ["customer", None]),
        (["Customer", None], ("customer",), {"(none)": "agent"}, ["customer", "agent"]),
        (["Kim", "Kim"], ("customer",), {}, ["customer", "customer"]),
        ([None, None], ("agent",), {}, ["agent", "agent"]),
        (["Agent"], ("customer",), {"Agent": "customer"}, ["customer"]),
    ],
)  # fmt: skip
def test_speakers_are_mapped(speakers, among, table, expected):
    assert parties(speakers, among, table) == expected


def test_unknown_speakers_are_named_in_the_error():
    with pytest.raises(InputError, match="SPEAKER_00, SPEAKER_01"):
        parties(["SPEAKER_01", "SPEAKER_00"], ("customer",))


def test_a_shared_file_without_speakers_is_refused():
    with pytest.raises(InputError, match="agent and customer share it"):
        parties([None])


def test_a_role_is_a_word_of_its_own():
    assert role("Agentine", {}) is None
    assert role("Anna Guest", {}) is None
    assert role("Anna Lind (Guest)", {}) == "customer"
    assert role("Agent-2", {}) == "agent"


def test_an_utterance_carries_the_two_turns_before_it_of_either_party():
    said = list(
        text_intervals(
            [
                Turn(0, 10, "customer", "one"),
                Turn(10, 20, "agent", "two"),
                Turn(20, 30, None, "three"),
                Turn(30, 40, "customer", "four"),
            ],
            "customer",
            0,
        )
    )
    assert [(s.text, s.context) for s in said] == [("one", ()), ("", ()), ("four", ("two", "three"))]


def test_silence_is_cut_at_whole_seconds():
    # 700  1000      2000    2500
    #  |-----|---------|-------|
    assert [(s.start_ms, s.end_ms, s.watermark_ms) for s in silence(700, 2500)] == [
        (700, 1000, 1000),
        (1000, 2000, 2000),
        (2000, 2500, 2500),
    ]
    assert list(silence(5, 5)) == []


def test_overlapping_utterances_go_by_their_starts_and_settle_only_what_is_settled():
    # [0 ............... 900)
    #      [200 .. 400)
    #                       [900 .. 950)
    found = text_intervals(
        [
            Turn(200, 400, "customer", "b"),
            Turn(0, 900, "customer", "a"),
            Turn(900, 950, "customer", "c"),
        ],
        "customer",
        0,
    )
    assert [(s.text, s.watermark_ms) for s in found] == [("a", 200), ("b", 900), ("c", 950)]


INTERVALS = st.lists(
    st.tuples(st.integers(0, 20_000), st.integers(0, 6_000), st.sampled_from(["customer", "agent", None])),
    max_size=12,
)


@given(INTERVALS, st.integers(0, 5_000))
def test_no_message_starts_before_what_was_said_to_be_settled(intervals, zero):
    conversation = [Turn(zero + a, zero + a + n, party, "x") for a, n, party in intervals]
    found: list[TextInterval] = list(text_intervals(conversation, "customer", zero))
    assert all(said.start_ms <= said.end_ms and said.watermark_ms >= said.start_ms for said in found)
    assert all(after.start_ms >= before.watermark_ms for before, after in pairwise(found))
    assert sum(bool(said.text) for said in found) == sum(p == "customer" for _, _, p in intervals)
    reached = zero
    for said in found:
        assert said.start_ms <= reached  # no hole
        reached = max(reached, said.end_ms)
