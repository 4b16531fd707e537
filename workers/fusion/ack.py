"""Which records of a partition a restart can do without, strictly in their order.

A record is needed until every observation in it is: until the finals that it counts in are written, and until
its party is closed where it holds the end of a stream. What is acknowledged is always a prefix, so that a
process that starts again there sees all that the windows not yet written are made of.
"""

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from affectstream.schemas.messages import Party

Key = tuple[str, Party]


@dataclass(frozen=True)
class Need:
    """Until when a party needs a record, and which of the party's observations is the record's last."""

    until_ms: float
    turn: int


@dataclass
class AckTracker:
    """The records that are not acknowledged, oldest first."""

    _records: deque[tuple[int, Mapping[Key, Need]]] = field(default_factory=deque)
    _pending: Counter[Key] = field(default_factory=Counter)  # records that name the party
    _written_ms: dict[Key, int] = field(default_factory=dict)  # the end of the newest final written
    _closed: dict[Key, int] = field(default_factory=dict)  # the turn at which the party was over

    def add(self, offset: int, needs: Mapping[Key, Need]) -> None:
        """Take note of a record; ``offset`` is larger than any before."""
        self._records.append((offset, needs))
        self._pending.update(needs.keys())

    def written(self, key: Key, end_ms: int) -> None:
        """Take note that the finals of ``key`` up to ``end_ms`` are where readers find them."""
        self._written_ms[key] = max(end_ms, self._written_ms.get(key, 0))

    def closed(self, key: Key, turn: int) -> None:
        """Take note that the party was over at ``turn``, and all its finals until then are written."""
        self._closed[key] = turn
        self._tidy(key)

    def release(self) -> list[int]:
        """Return, once each and in order, the offsets that are needed no more."""
        released = []
        while self._records and not any(self._needed(*need) for need in self._records[0][1].items()):
            offset, needs = self._records.popleft()
            released.append(offset)
            self._pending.subtract(needs.keys())
            for key in needs:
                self._tidy(key)
        return released

    def __len__(self) -> int:
        return len(self._records)

    def _needed(self, key: Key, need: Need) -> bool:
        return need.turn > self._closed.get(key, -1) and need.until_ms > self._written_ms.get(key, -1)

    def _tidy(self, key: Key) -> None:
        if key in self._closed and self._pending[key] <= 0:
            del self._closed[key], self._pending[key]
            self._written_ms.pop(key, None)
