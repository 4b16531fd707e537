"""Tokens of the text model: layout, context, buckets, truncation, non-speech and quality."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from affectstream.models.text.language import text_quality, words_in
from affectstream.models.text.tokenise import (
    BUCKETS,
    CONTEXT_TOKENS,
    UTTERANCE_TOKENS,
    Tokeniser,
    is_speech,
    plain,
)
from affectstream.models.weights import FOLDER
from affectstream.schemas.errors import ModelError

TOKENISER = Tokeniser(FOLDER / "text.tokenizer.json")


def words(laid):
    return TOKENISER._inner.decode(laid[0].tolist(), skip_special_tokens=False)


def test_utterance_first_then_context_newest_first() -> None:
    laid = TOKENISER.layout("i am here", ("old one", "new one"))
    assert words(laid) == "[CLS] i am here [SEP] new one [SEP] old one [SEP]"
    assert laid[1].tolist() == [0] * 5 + [1] * 6


def test_only_the_last_two_turns_count() -> None:
    three = TOKENISER.layout("yes", ("a", "b", "c"))
    assert three.tolist() == TOKENISER.layout("yes", ("b", "c")).tolist()


def test_empty_turns_leave_no_trace() -> None:
    assert TOKENISER.layout("yes", ("", " ")).tolist() == TOKENISER.layout("yes").tolist()


def test_a_turn_of_context_keeps_its_end() -> None:
    turn = " ".join(["no"] * 50 + ["yes"])
    laid = TOKENISER.layout("hello", (turn,))
    assert laid.shape[1] == 3 + CONTEXT_TOKENS + 1
    assert words(laid).endswith("no yes [SEP]")


def test_the_oldest_context_gives_way_to_a_long_utterance() -> None:
    laid = TOKENISER.layout("go " * 200, ("old " * 30, "new " * 30))
    assert laid.shape[1] == BUCKETS[-1]
    assert (laid[1] == 0).sum() == UTTERANCE_TOKENS + 2
    assert "old old" in words(laid)
    assert words(laid).count("new") == CONTEXT_TOKENS


@given(st.text(max_size=400), st.lists(st.text(max_size=200), max_size=3))
def test_every_text_fits_the_smallest_bucket_for_its_own_length(text: str, context: list[str]) -> None:
    laid, prepared = TOKENISER.layout(text, context), TOKENISER.prepare(text, context)
    assert prepared.shape[1] == min(b for b in BUCKETS if b >= laid.shape[1])
    assert (prepared[:, : laid.shape[1]] == laid).all()
    assert (prepared[:, laid.shape[1] :] == 0).all()


def test_quotes_and_dashes_are_of_one_kind() -> None:
    assert plain("I\u2019m  \u201cok\u201d\u2026") == 'I\'m "ok"...'
    assert TOKENISER.prepare("I\u2019m").tolist() == TOKENISER.prepare("i'm").tolist()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "...",
        "\u2026",
        "?!",
        "[music]",
        "(laughs)",
        "[MUSIC] (applause) -",
        "*sighs*",
        "<noise>",
        "\u266a la la \u266a",
    ],
)
def test_non_speech_is_told_apart(text: str) -> None:
    assert not is_speech(text)


@pytest.mark.parametrize(
    "text", ["No.", "[laughs] you did", "5", "(quietly) why?", "\u00fcber", "\u4f60\u597d"]
)
def test_words_are_speech(text: str) -> None:
    assert is_speech(text)


def test_unknown_scripts_lower_the_known_share() -> None:
    assert TOKENISER.known_share("this is fine") == 1.0
    assert TOKENISER.known_share("\U0001f600 \U0001f600") == 0.0
    assert TOKENISER.known_share("") == 0.0


@given(st.integers(0, 500), st.floats(0, 1), st.floats(0, 1))
def test_quality_is_a_share_and_never_falls_when_something_gets_better(n: int, a: float, b: float) -> None:
    low, high = sorted((a, b))
    assert 0.0 <= text_quality(n, low) <= text_quality(n, high) <= text_quality(n + 1, high) <= 1.0
    assert text_quality(0, high) == 0.0


def test_words_are_counted_as_spoken() -> None:
    assert words_in("I'm well-known, [2] times.") == 4
    assert words_in("...") == 0


def test_a_missing_vocabulary_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"tokenizer\.json"):
        Tokeniser(tmp_path / "tokenizer.json")
