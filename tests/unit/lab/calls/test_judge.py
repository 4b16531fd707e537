"""Measures of calls on finals drawn as letters: n h s a f d u, a dot without evidence."""

import pytest
from support.session_lines import labelled

from affectstream.analytics.label import Display
from affectstream.lab.calls import judge

PLAIN = Display()


def drawn(line: str, display: Display = PLAIN) -> judge.Judged:
    return judge.judged(labelled(line), display)


def test_shares_are_of_spoken_windows() -> None:
    found = judge.shares(drawn("nnna...."))
    assert (found["neutral"], found["angry"], found["calm"]) == (0.75, 0.25, 0.75)
    assert found["no speech"] == 0.5


def test_what_is_not_displayed_is_unsure_and_calm() -> None:
    found = judge.shares(drawn("aaaa", Display(min_probability=1.0)))
    assert (found["unsure"], found["calm"], found["angry"]) == (1.0, 1.0, 0.0)


def test_no_evidence_at_all_is_measured_too() -> None:
    of = drawn("....")
    assert judge.shares(of)["no speech"] == 1.0
    assert judge.steadiness(of) == {"same as before": 0.0, "change to the next": 0.0}
    assert judge.halves(of) == {"between halves": 0.0}


def test_neighbours_are_compared_only_where_both_speak() -> None:
    assert judge.steadiness(drawn("nn.aa"))["same as before"] == 1.0
    assert judge.steadiness(drawn("nana"))["same as before"] == 0.0


def test_halves_that_say_the_same_do_not_differ() -> None:
    assert judge.halves(drawn("nananana"))["between halves"] == 0.0
    assert judge.halves(drawn("nnnnaaaa"))["between halves"] > 0.5


@pytest.mark.parametrize(
    ("one", "other", "equal"), [("naha", "naha", 1.0), ("nnnn", "nnna", 0.75), ("nn..", "nnn.", 0.6667)]
)
def test_versions_agree_by_window_and_losing_one_is_no_agreement(one: str, other: str, equal: float) -> None:
    assert judge.agreement(drawn(one), drawn(other))["equal"] == equal
    assert judge.agreement(drawn(other), drawn(one))["equal"] == equal


def test_total_variation_is_zero_for_equals_and_one_for_strangers() -> None:
    assert judge.total_variation((1, 0), (1, 0)) == 0.0
    assert judge.total_variation((1, 0), (0, 1)) == 1.0


def test_windows_within_a_stretch_are_counted_whole() -> None:
    of = drawn("nnaa.ann")
    for start_ms, end_ms, counted in [(2000, 6000, (3, 3)), (2500, 6000, (2, 2)), (0, 8000, (7, 3))]:
        found = judge.within(of, start_ms, end_ms, "angry")
        assert (found.windows, found.right) == counted


def test_what_is_displayed_in_a_stretch_and_outside_of_it_is_counted() -> None:
    found = judge.within(drawn("hnaafn.a"), 2000, 6000, "angry")
    assert (found.windows, found.shown, found.others) == (4, 2, 1)
    assert (found.outside, found.emotions) == (3, 2)
    unsure = judge.within(drawn("hnaafn.a", Display(min_probability=0.9)), 2000, 6000, "angry")
    assert (unsure.right, unsure.shown, unsure.others, unsure.emotions) == (2, 0, 0, 0)


def test_a_rate_is_by_the_time_of_the_call() -> None:
    assert judge.an_hour(1, labelled("n" * 36)) == 100.0
