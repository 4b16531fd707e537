"""Where a member stands in each partition: gaps, and what it may commit."""

from collections.abc import Hashable
from dataclasses import dataclass


@dataclass
class Position:
    """One partition since it was assigned."""

    first: int | None  # where reading began: what was committed then, or the first record seen
    expected: int | None  # the next offset

    def advance(self, offset: int) -> int:
        """Take note of a record and return how many are missing before it."""
        missed = 0 if self.expected is None else max(0, offset - self.expected)
        self.expected = offset + 1
        if self.first is None:
            self.first = offset
        return missed

    def covers(self, offset: int) -> bool:
        """Say whether ``offset`` is a next offset that reading since the assignment can have led to."""
        return self.first is not None and self.expected is not None and self.first <= offset <= self.expected


class Positions:
    """All partitions of one member; forgotten at every rebalance, since reading then starts again."""

    def __init__(self) -> None:
        self._by_partition: dict[Hashable, Position] = {}

    def begin(self, partition: Hashable, committed: int | None) -> None:
        """Start a partition at what its group has committed; None: wherever the first record lies."""
        self._by_partition[partition] = Position(committed, committed)

    def clear(self) -> None:
        """Forget all."""
        self._by_partition.clear()

    def advance(self, partition: Hashable, offset: int) -> int:
        """Take note of a record and return how many are missing before it."""
        return self._by_partition.setdefault(partition, Position(None, None)).advance(offset)

    def expected(self, partition: Hashable) -> int | None:
        """Return the next offset that reading leads to, None where none was read since the assignment."""
        position = self._by_partition.get(partition)
        return None if position is None else position.expected

    def covers(self, partition: Hashable, offset: int) -> bool:
        """Say whether this member may commit ``offset``."""
        position = self._by_partition.get(partition)
        return position is not None and position.covers(offset)
