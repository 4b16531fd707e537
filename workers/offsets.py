"""Which offset of a partition may be committed: the contiguous finished prefix."""

from collections import deque


class Lease:
    """One partition from its assignment until it is taken away.

    Records that arrived must all be finished before a later one is committed. After ``lost`` nothing of this
    lease may be published or committed: another consumer, or a new lease, starts from the last commit.
    """

    def __init__(self) -> None:
        self.lost = False
        self._open: deque[int] = deque()  # in the order of arrival, which is the order of offsets
        self._done: set[int] = set()

    def arrived(self, offset: int) -> None:
        """Note a record that was fetched; offsets rise, with holes where the log has holes."""
        self._open.append(offset)

    def finished(self, offset: int) -> int | None:
        """Note that what ``offset`` led to is acknowledged; return the next offset to commit, if it moved."""
        self._done.add(offset)
        next_offset = None
        while self._open and self._open[0] in self._done:
            last = self._open.popleft()
            self._done.remove(last)
            next_offset = last + 1
        return next_offset

    @property
    def unfinished(self) -> int:
        """How many records arrived and are not behind the prefix yet."""
        return len(self._open)
