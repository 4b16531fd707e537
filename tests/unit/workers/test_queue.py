"""What goes into a batch, in order and fair over sessions; and which offsets may be committed."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from affectstream.workers.queue import FairQueue, OffsetTracker

Arrivals = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), max_size=60)  # partition, session in it


def filled(arrivals):
    queue = FairQueue()
    for n, (partition, session) in enumerate(arrivals):
        queue.add(partition, f"{partition}/{session}", (partition, session, n))
    return queue


def drained(queue, sizes):
    taken = []
    while batch := queue.take(sizes[len(taken) % len(sizes)]):
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
    queue = filled(arrivals)
    while (waiting := len(queue)) > 0:
        assert len(queue.take(size)) == min(size, waiting)
    assert queue.take(size) == []


@given(st.lists(st.integers(1, 40), min_size=2, max_size=4), st.integers(1, 30))
def test_sessions_of_different_partitions_get_equal_shares_while_they_wait(lengths, taken):
    queue = FairQueue()
    for partition, length in enumerate(lengths):
        for _ in range(length):
            queue.add(partition, f"session {partition}", partition)
    shares = Counter(queue.take(taken))
    for partition, length in enumerate(lengths):
        most = max(shares.values())
        assert shares[partition] in (length, most, most - 1)


def test_a_newcomer_goes_ahead_of_a_busy_session_in_another_partition():
    queue = FairQueue()
    for n in range(1000):
        queue.add(0, "busy", f"busy {n}")
    queue.take(500)
    queue.add(1, "quiet", "quiet 0")
    assert queue.take(2) == ["busy 500", "quiet 0"]


def test_a_newcomer_does_not_repay_what_the_busy_session_had_before():
    queue = FairQueue()
    for _ in range(100):
        queue.add(0, "old", "old")
    queue.take(50)
    for _ in range(50):
        queue.add(1, "new", "new")
    assert Counter(queue.take(20)) == {"old": 10, "new": 10}


def test_a_partition_of_many_sessions_gets_more_than_a_partition_of_one():
    queue = FairQueue()
    for n in range(30):
        queue.add(0, f"session {n % 3}", "three")
        queue.add(1, "alone", "one")
    assert Counter(queue.take(20)) == {"three": 15, "one": 5}


def test_dropped_partitions_are_forgotten_and_the_others_kept():
    queue = filled([(0, 0), (1, 0), (0, 1), (1, 1)])
    queue.drop([0, 3])
    assert queue.waiting(0) == 0
    assert queue.take(9) == [(1, 0, 1), (1, 1, 3)]


@given(st.permutations(range(8)), st.lists(st.integers(1, 5), min_size=8, max_size=8))
def test_nothing_is_committed_past_an_unfinished_record(order, steps):
    offsets = [sum(steps[: n + 1]) for n in range(8)]  # rising, with holes as in a compacted log
    tracker = OffsetTracker()
    for offset in offsets:
        tracker.fetched(offset)
    processed, committed = set(), 0
    for n in order:
        processed.add(offsets[n])
        committed = tracker.processed(offsets[n]) or committed
        assert all(offset in processed for offset in offsets if offset < committed)
    assert committed == offsets[-1] + 1
    assert tracker.unfinished == 0


def test_the_prefix_moves_only_when_its_first_record_is_finished():
    tracker = OffsetTracker()
    for offset in (5, 6, 7):
        tracker.fetched(offset)
    assert tracker.processed(6) is None
    assert tracker.processed(5) == 7
    assert tracker.processed(7) == 8
