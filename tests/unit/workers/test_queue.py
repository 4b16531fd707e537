"""The choice of what goes into a batch: order within a partition, nothing lost, nobody starved."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from affectstream.workers.backlog import Backlog

Arrivals = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), max_size=60)  # partition, session in it


def filled(arrivals):
    backlog = Backlog()
    for n, (partition, session) in enumerate(arrivals):
        backlog.add(partition, f"{partition}/{session}", (partition, session, n), now_s=float(n))
    return backlog


def drained(backlog, sizes):
    taken = []
    while batch := backlog.take(sizes[len(taken) % len(sizes)]):
        taken.append(batch)
    return taken


@given(Arrivals, st.lists(st.integers(1, 9), min_size=1, max_size=5))
def test_every_item_is_taken_once_and_in_the_order_of_its_partition(arrivals, sizes):
    batches = drained(filled(arrivals), sizes)
    taken = [item for batch in batches for item in batch]
    assert sorted(n for _, _, n in taken) == list(range(len(arrivals)))
    for partition in range(4):
        order = [n for p, _, n in taken if p == partition]
        assert order == sorted(order)


@given(Arrivals, st.integers(1, 9))
def test_a_batch_is_full_while_enough_wait(arrivals, size):
    backlog = filled(arrivals)
    while (waiting := len(backlog)) > 0:
        assert len(backlog.take(size)) == min(size, waiting)
    assert backlog.take(size) == []


@given(st.lists(st.integers(1, 40), min_size=2, max_size=4), st.integers(1, 30))
def test_sessions_of_different_partitions_get_equal_shares_while_they_wait(lengths, taken):
    backlog = Backlog()
    for partition, length in enumerate(lengths):
        for n in range(length):
            backlog.add(partition, f"session {partition}", partition, now_s=float(n))
    shares = Counter(backlog.take(taken))
    for partition, length in enumerate(lengths):
        most = max(shares.values())
        assert shares[partition] in (length, most, most - 1)


def test_a_newcomer_goes_ahead_of_a_busy_session_in_another_partition():
    backlog = Backlog()
    for n in range(1000):
        backlog.add(0, "busy", f"busy {n}", 0.0)
    backlog.take(500)
    backlog.add(1, "quiet", "quiet 0", 0.0)
    assert backlog.take(2) == ["busy 500", "quiet 0"]


def test_a_newcomer_does_not_repay_what_the_busy_session_had_before():
    backlog = Backlog()
    for _ in range(100):
        backlog.add(0, "old", "old", 0.0)
    backlog.take(50)
    for _ in range(50):
        backlog.add(1, "new", "new", 0.0)
    assert Counter(backlog.take(20)) == {"old": 10, "new": 10}


def test_a_partition_of_many_sessions_gets_more_than_a_partition_of_one():
    backlog = Backlog()
    for n in range(30):
        backlog.add(0, f"session {n % 3}", "three", 0.0)
        backlog.add(1, "alone", "one", 0.0)
    assert Counter(backlog.take(20)) == {"three": 15, "one": 5}


def test_dropped_partitions_are_forgotten_and_the_others_kept():
    backlog = filled([(0, 0), (1, 0), (0, 1), (1, 1)])
    backlog.drop([0, 3])
    assert backlog.waiting(0) == 0
    assert backlog.take(9) == [(1, 0, 1), (1, 1, 3)]


#  arrivals   a     b     c            three rows or 0.5 s after the first
#  seconds    1.0   1.2   1.3
@pytest.mark.parametrize(
    ("arrived_s", "now_s", "due_in_s"),
    [
        ([], 9.0, None),
        ([1.0], 1.0, 0.5),
        ([1.0], 1.4, 0.1),
        ([1.0], 1.5, 0.0),
        ([1.0], 9.0, 0.0),
        ([1.0, 1.2], 1.2, 0.3),
        ([1.0, 1.2, 1.3], 1.3, 0.0),
    ],
)
def test_a_batch_is_due_when_full_or_when_the_first_has_waited_long_enough(arrived_s, now_s, due_in_s):
    backlog = Backlog()
    for n, at_s in enumerate(arrived_s):
        backlog.add(n % 2, "s", n, at_s)
    assert backlog.due_in(now_s, rows=3, delay_s=0.5) == pytest.approx(due_in_s)


def test_the_deadline_runs_from_the_oldest_item_that_is_left():
    backlog = Backlog()
    backlog.add(0, "a", "a", 1.0)
    backlog.add(1, "b", "b", 2.0)
    backlog.take(1)
    assert backlog.due_in(2.0, rows=9, delay_s=0.5) == pytest.approx(0.5)
