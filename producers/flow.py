"""Flow control: an upper bound of what the consumers of a topic have not read; pure.

Between two updates of the lag everything sent counts as unread. So the broker is asked only when the bound
passes a limit, and what is unread never exceeds it by more than one record.
"""

from collections import deque
from dataclasses import dataclass

from affectstream.schemas.topics import KIB


@dataclass(frozen=True)
class Limits:
    """Where sending stops and, lower, resumes; the embedded broker keeps about 5 MB per partition."""

    high_bytes: int = 2048 * KIB
    low_bytes: int = 1024 * KIB
    high_records: int = 512
    low_records: int = 256


class Unread:
    """The records of one topic that its consumers may not have read yet."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._sizes: deque[int] = deque()  # of our own, oldest first
        self._bytes = 0
        self._foreign = 0  # records of other producers, as of the last update
        self._largest = 0

    def sent(self, size: int) -> None:
        """Count a record that was sent."""
        self._sizes.append(size)
        self._bytes += size
        self._largest = max(self._largest, size)

    def update(self, lag: int) -> None:
        """Take over the lag in records of the slowest partition, as the broker reports it."""
        while len(self._sizes) > lag:
            self._bytes -= self._sizes.popleft()
        self._foreign = lag - len(self._sizes)

    @property
    def full(self) -> bool:
        """Whether to stop sending."""
        return self._above(self._limits.high_bytes, self._limits.high_records)

    @property
    def drained(self) -> bool:
        """Whether to resume after a stop."""
        return not self._above(self._limits.low_bytes, self._limits.low_records)

    def _above(self, most_bytes: int, most_records: int) -> bool:
        size = self._bytes + self._foreign * self._largest
        return size > most_bytes or len(self._sizes) + self._foreign > most_records
