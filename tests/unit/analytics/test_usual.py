"""A party's usual voice: what is learnt of it, and what the voice says relative to it."""

import math

import pytest
from support.session_lines import spread, window

from affectstream.analytics.usual import SURE_AT_MS, UNKNOWN, Usual, voice_of
from affectstream.schemas.labels import INDEX
from affectstream.schemas.messages import ModalityState

CALM, SAD = spread("neutral", 0.7), spread("sad", 0.7)  # CALM is what routine calls are like


def after(voice: tuple[float, ...], seconds: int) -> Usual:
    usual = UNKNOWN
    for _ in range(seconds):
        usual = usual.add(voice, 1000)
    return usual


def odds(p: tuple[float, ...], one: str, other: str) -> float:
    return math.log(p[INDEX[one]] / p[INDEX[other]])


def test_of_whom_nothing_is_known_nothing_is_taken_off() -> None:
    assert UNKNOWN.relative(SAD, CALM) == pytest.approx(SAD)


def test_whose_usual_voice_is_that_of_routine_calls_is_taken_as_heard() -> None:
    assert after(CALM, 60).relative(SAD, CALM) == pytest.approx(SAD)


def test_who_sounds_sad_in_all_that_they_say_is_taken_for_a_routine_call_after_a_while() -> None:
    p = [after(SAD, seconds).relative(SAD, CALM) for seconds in (0, 4, 60, 10_000)]
    assert [round(one[INDEX["sad"]], 2) for one in p] == [0.7, 0.3, 0.07, 0.05]
    assert p[-1] == pytest.approx(CALM, abs=0.01)
    assert SURE_AT_MS == 4_000  # half way, in logarithms


def test_what_lies_off_the_usual_voice_counts_as_much_as_off_a_routine_one() -> None:
    angry = spread("angry", 0.7)
    found = after(SAD, 100_000).relative(angry, CALM)
    expected = odds(angry, "angry", "sad") + odds(SAD, "sad", "angry") - odds(CALM, "sad", "angry")
    assert odds(found, "angry", "sad") == pytest.approx(expected, abs=0.01)


def test_a_mean_is_of_logarithms_by_the_length_of_windows() -> None:
    found = UNKNOWN.add(CALM, 3000).add(SAD, 1000).p
    assert odds(found, "neutral", "sad") == pytest.approx(0.5 * odds(CALM, "neutral", "sad"))


def test_probabilities_of_zero_are_no_more_than_noise() -> None:
    sure = tuple(1.0 if i == INDEX["neutral"] else 0.0 for i in range(7))
    found = after(sure, 60).relative(sure, CALM)
    assert sum(found) == pytest.approx(1.0)
    assert max(found) < 0.8


def test_a_voice_is_of_windows_with_evidence_in_which_it_speaks() -> None:
    voice = ModalityState(modality="audio", state="present", p=SAD, weight=1.0, count=1)
    silent = ModalityState(modality="audio", state="abstained")
    assert voice_of(window(0, SAD, modalities=(voice,))) is voice
    assert voice_of(window(0, SAD, modalities=(silent,))) is None
    assert voice_of(window(0, None, modalities=(voice,))) is None
