"""A party's usual voice: what is learnt of it, and what the voice says relative to it."""

import math

import pytest
from support.session_lines import spread, window

from affectstream.analytics.usual import (
    FLOOR,
    LEAST_OWN_MS,
    MOST,
    MOST_ADDED,
    SURE_AT_MS,
    UNKNOWN,
    Usual,
    learnt,
    relative,
    shipped,
    taken_off,
    voice_of,
)
from affectstream.models.weights import read_card
from affectstream.schemas.labels import INDEX, top
from affectstream.schemas.messages import FusedEmotion, ModalityState

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
    usual = after(sure, 60)
    assert usual.relative(sure, CALM) == pytest.approx(usual.relative(with_noise(sure), CALM))
    assert min(usual.shift(CALM)) > math.log(FLOOR / CALM[INDEX["sad"]])


def with_noise(p: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(max(each, FLOOR / 2) for each in p)


def test_of_whoever_is_calmer_than_routine_calls_a_small_change_stays_small() -> None:
    calmer, change = spread("neutral", 0.99), spread("neutral", 0.7)
    found = after(calmer, 60).relative(change, CALM)
    added = odds(found, "angry", "neutral") - odds(change, "angry", "neutral")
    missing = odds(CALM, "angry", "neutral") - odds(calmer, "angry", "neutral")
    assert missing > 3
    assert MOST_ADDED < added < MOST_ADDED + 0.5


def test_whoever_is_less_calm_than_routine_calls_gets_all_that_is_missing_of_neutral() -> None:
    usual = after(SAD, 10_000)
    assert usual.shift(CALM)[INDEX["neutral"]] < -MOST_ADDED
    assert usual.relative(SAD, CALM) == pytest.approx(CALM, abs=0.01)


def test_a_voice_is_of_windows_with_evidence_in_which_it_speaks() -> None:
    voice = ModalityState(modality="audio", state="present", p=SAD, weight=1.0, count=1)
    silent = ModalityState(modality="audio", state="abstained")
    assert voice_of(window(0, SAD, modalities=(voice,))) is voice
    assert voice_of(window(0, SAD, modalities=(silent,))) is None
    assert voice_of(window(0, None, modalities=(voice,))) is None


ROUTINE = {"a-voice": CALM}


def heard(p: tuple[float, ...], weight: float = 1.0, model: str = "a-voice", second: int = 0) -> FusedEmotion:
    """A window in which the voice says what is fused."""
    voice = ModalityState(modality="audio", state="present", p=p, weight=weight, count=1, model_id=model)
    return window(second, p, modalities=(voice,))


def test_a_minute_of_voices_that_are_known_is_learnt() -> None:
    usual = UNKNOWN
    for second in range(100):
        usual = learnt(usual, heard(SAD, second=second), ROUTINE)
    assert usual == after(SAD, 60)
    for other in (heard(SAD, model="another"), window(0, SAD), window(0, None)):
        assert learnt(UNKNOWN, other, ROUTINE) is UNKNOWN


MIXED = (0.2, 0.06, 0.5, 0.06, 0.06, 0.06, 0.06)


# sad by 0.5 and neutral by 0.2, in the logarithm 0.92 apart: taken off is at most 1 of each
@pytest.mark.parametrize(
    ("usual", "window", "expected"),
    [
        pytest.param(after(SAD, 60), heard(MIXED), "neutral", id="usual"),
        pytest.param(after(CALM, 60), heard(MIXED), "sad", id="unusual"),
        pytest.param(after(SAD, 60), heard(MIXED, weight=0.4), "sad", id="others weigh more"),
        pytest.param(after(SAD, 60), heard(spread("sad", 0.95)), "sad", id="plainly sad all along"),
        pytest.param(after(SAD, 9), heard(MIXED), "sad", id="too little is known"),
        pytest.param(after(SAD, 60), heard(MIXED, model="another"), "sad", id="another model"),
        pytest.param(after(SAD, 60), window(0, MIXED), "sad", id="no voice"),
    ],
)
def test_what_is_likeliest_against_the_usual_voice(usual: Usual, window: FusedEmotion, expected: str) -> None:
    found = relative(usual, window, ROUTINE)
    assert found is not None
    assert sum(found) == pytest.approx(1.0)
    assert top(found) == expected
    assert (LEAST_OWN_MS, MOST) == (10_000, 1.0)


def test_what_is_taken_off_is_bounded_and_as_much_as_the_voice_weighs() -> None:
    for weight in (0.25, 1.0):
        off = taken_off(after(SAD, 60), heard(MIXED, weight), ROUTINE)
        assert (off[INDEX["sad"]], off[INDEX["neutral"]]) == (weight * MOST, -weight * MOST)
        assert off[INDEX["fear"]] == pytest.approx(0.0)
    assert relative(after(SAD, 60), window(0, None), ROUTINE) is None
    assert relative(after(SAD, 9), heard(MIXED), ROUTINE) == MIXED


def test_what_the_shipped_voice_makes_of_routine_calls_is_known() -> None:
    own = read_card("voice").model_id
    assert set(shipped()) == {own, f"{own}+balanced"}
    for p in shipped().values():
        assert len(p) == 7
        assert p[INDEX["neutral"]] == max(p) > 0.5
