"""Which records may be acknowledged, and when."""

import math

from hypothesis import given
from hypothesis import strategies as st

from affectstream.workers.fusion.ack import AckTracker, Need

ONE = ("call", "customer")
OTHER = ("call", "agent")


def tracker(*records):
    made = AckTracker()
    for turn, (offset, needs) in enumerate(records):
        made.add(offset, {key: Need(until_ms, turn) for key, until_ms in needs.items()})
    return made


def test_a_record_that_nobody_needs_is_released_at_once():
    assert tracker((7, {}), (8, {})).release() == [7, 8]


def test_a_record_is_released_when_its_finals_are_written():
    acks = tracker((0, {ONE: 1000}), (1, {ONE: 2000}))
    assert acks.release() == []
    acks.written(ONE, 1000)
    assert acks.release() == [0]
    acks.written(ONE, 2000)
    assert acks.release() == [1]
    assert len(acks) == 0


def test_release_is_strictly_in_order():
    acks = tracker((0, {ONE: 1000}), (1, {OTHER: 1000}), (2, {}))
    acks.written(OTHER, 1000)
    assert acks.release() == []
    acks.written(ONE, 1000)
    assert acks.release() == [0, 1, 2]


def test_a_record_of_several_parties_waits_for_all():
    acks = tracker((0, {ONE: 1000, OTHER: 3000}))
    acks.written(ONE, 5000)
    assert acks.release() == []
    acks.written(OTHER, 3000)
    assert acks.release() == [0]


def test_an_end_of_stream_is_released_when_the_party_is_closed():
    acks = tracker((0, {ONE: math.inf}), (1, {ONE: 1000}))
    acks.written(ONE, 9000)
    assert acks.release() == []
    acks.closed(ONE, turn=1)
    assert acks.release() == [0, 1]


def test_what_comes_after_a_party_was_closed_is_needed_for_its_next_life():
    acks = tracker((0, {ONE: math.inf}), (1, {ONE: math.inf}))
    acks.closed(ONE, turn=0)
    assert acks.release() == [0]
    assert len(acks) == 1
    acks.closed(ONE, turn=1)
    assert acks.release() == [1]


@given(
    needs=st.lists(st.dictionaries(st.sampled_from([ONE, OTHER]), st.integers(0, 5)), max_size=20),
    progress=st.lists(st.tuples(st.sampled_from([ONE, OTHER]), st.integers(0, 5)), max_size=20),
)
def test_what_is_released_is_a_prefix_of_records_that_are_needed_no_more(needs, progress):
    acks = tracker(*enumerate(needs))
    reached = {ONE: -1, OTHER: -1}
    released = acks.release()
    for key, end_ms in progress:
        acks.written(key, end_ms)
        reached[key] = max(reached[key], end_ms)
        released += acks.release()
    assert released == list(range(len(released)))
    free = [all(until <= reached[key] for key, until in need.items()) for need in needs]
    assert len(released) == (free.index(False) if False in free else len(free))
