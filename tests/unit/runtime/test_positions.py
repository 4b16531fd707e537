"""Positions of a group member: what is missing, and what may be committed."""

import pytest

from affectstream.runtime.kafka.positions import Positions

HERE, THERE = ("texts", 0), ("texts", 1)


def after(committed: int | None, *offsets: int) -> Positions:
    positions = Positions()
    positions.begin(HERE, committed)
    for offset in offsets:
        positions.advance(HERE, offset)
    return positions


@pytest.mark.parametrize(
    ("committed", "offset", "missed"),
    [(None, 7, 0), (7, 7, 0), (7, 9, 2), (0, 5, 5)],
)
def test_a_gap_counts_from_what_was_committed(committed, offset, missed):
    assert after(committed).advance(HERE, offset) == missed


def test_a_gap_counts_from_the_last_record():
    positions = after(3, 3, 4)
    assert positions.advance(HERE, 5) == 0
    assert positions.advance(HERE, 9) == 3
    assert positions.advance(HERE, 10) == 0


@pytest.mark.parametrize(("offset", "allowed"), [(4, False), (5, True), (6, True), (8, True), (9, False)])
def test_only_what_was_read_since_the_assignment_may_be_committed(offset, allowed):
    """Committed 5; read 5, 6, 7: the next offset is 8."""
    assert after(5, 5, 6, 7).covers(HERE, offset) is allowed


def test_nothing_of_another_partition_or_of_an_earlier_assignment_may_be_committed():
    positions = after(5, 5, 6)
    assert not positions.covers(THERE, 5)
    positions.clear()
    assert not positions.covers(HERE, 6)


def test_a_partition_without_commit_begins_at_its_first_record():
    positions = after(None, 40, 41)
    assert positions.covers(HERE, 42)
    assert not positions.covers(HERE, 39)
