"""Clocks that step back or leap: everything is read on, in order, and all tracks stay together."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from affectstream.producers.clock import BACK_S, LEAP_S, ClockRepair, described


def repaired(stamps, track="a", clock=None, length_s=0.1):
    """Return the stamps of one track on the repaired clock."""
    clock = clock or ClockRepair()
    return [float(at + clock.shift(track, float(at), float(at), length_s)) for at in map(Fraction, stamps)]


def test_a_clock_that_runs_on_is_left_alone():
    clock = ClockRepair()
    assert repaired([0, 1, 2, 3599], clock=clock) == [0, 1, 2, 3599]
    assert [fault.kind for fault in clock.faults] == ["gap"]


def test_what_follows_a_step_back_is_read_on_where_the_stretch_before_it_ended():
    # stamps   0 1 2 | 0 1 | 0.5
    # read at  0 1 2   2.1 3.1  3.2
    clock = ClockRepair()
    assert repaired([0, 1, 2, 0, 1, Fraction(1, 2)], clock=clock) == pytest.approx([0, 1, 2, 2.1, 3.1, 3.2])
    assert described(clock.faults) == [
        "the clock begins anew 2 times, first after 2.1 s; what follows is read on from there"
    ]


def test_a_leap_of_more_than_an_hour_is_taken_out_and_a_shorter_one_kept():
    clock = ClockRepair()
    assert repaired([0, 1, 7201, 7202, 7300], clock=clock) == pytest.approx([0, 1, 1.1, 2.1, 100.1])
    assert [fault.kind for fault in clock.faults] == ["leap", "gap"]


def test_jitter_is_no_step():
    assert repaired([0, 1, Fraction(9, 10), 2]) == [0, 1, 0.9, 2]


def test_tracks_that_step_one_after_the_other_stay_together():
    clock = ClockRepair()
    stamps = [("v", 0), ("a", 0), ("v", 1), ("a", 1), ("v", 0), ("a", 1.1), ("a", 0), ("v", 1), ("a", 1)]
    read = [at + float(clock.shift(track, at, at, 0.1)) for track, at in stamps]
    assert read == pytest.approx([0, 0, 1, 1, 1.1, 1.1, 1.1, 2.1, 2.1])
    assert len(clock.faults) == 1


def test_a_track_that_pauses_while_another_goes_on_does_not_leap():
    clock = ClockRepair()
    for at in range(2 * int(LEAP_S)):
        assert clock.shift("a", at, at, 1.0) == 0
    assert clock.shift("v", 0.0, 0.0, 0.1) == 0
    assert clock.shift("v", 7100.0, 7100.0, 0.1) == 0
    assert clock.faults == []


STAMPS = st.lists(st.integers(0, 20_000_000), min_size=1, max_size=60).map(
    lambda ms: [Fraction(at, 1000) for at in ms]
)


@given(STAMPS)
def test_whatever_the_stamps_the_clock_never_falls_and_never_leaps(stamps):
    read = repaired(stamps)
    ends = [at + 0.1 for at in read]
    for n in range(1, len(read)):
        assert read[n] > read[n - 1] - BACK_S - 0.001
        assert read[n] <= max(ends[:n]) + LEAP_S + 0.001


@given(st.lists(st.integers(1, 500), min_size=1, max_size=5), st.integers(2, 5))
def test_a_file_joined_n_times_is_as_long_as_its_parts(steps_ms, times):
    one = [Fraction(sum(steps_ms[:n]), 1000) for n in range(len(steps_ms) + 1)]
    longer = [at for at in one if at - one[0] <= one[-1]]
    clock = ClockRepair()
    repaired(longer * times, clock=clock, length_s=0.1)
    whole = float(one[-1] - one[0]) + 0.1
    if float(one[-1]) > BACK_S:
        assert clock.end_s == pytest.approx(times * whole, abs=0.01 * times)
