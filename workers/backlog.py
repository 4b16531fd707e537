"""What waits for the next batch, chosen fairly over sessions and in order within a partition; pure, no clock.

Start-time fair queueing over the heads of the partitions: every item gets a tag, one more than the larger of
its session's last tag and the tag being served; the smallest tag at the head of a partition goes next. A
busy session's tags run ahead, so the others pass it. Within a partition nothing overtakes: what is published
there keeps the order of the input. (Goyal, Vin, Cheng: "Start-time Fair Queueing", SIGCOMM 1996.)
"""

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class _Waiting(Generic[T]):
    tag: int
    since_s: float
    session: str
    item: T


class Backlog(Generic[T]):
    """Items by partition, in the order of arrival, until ``take`` picks them."""

    def __init__(self) -> None:
        self._queues: dict[int, deque[_Waiting[T]]] = {}
        self._last_tag: dict[str, int] = {}  # of sessions that wait
        self._count: Counter[str] = Counter()  # items that wait, by session
        self._served = 0  # the largest tag served

    def __len__(self) -> int:
        return self._count.total()

    def add(self, partition: int, session: str, item: T, now_s: float) -> None:
        """Put ``item`` behind all others of its partition."""
        tag = max(self._last_tag.get(session, 0), self._served) + 1
        self._last_tag[session] = tag
        self._count[session] += 1
        self._queues.setdefault(partition, deque()).append(_Waiting(tag, now_s, session, item))

    def take(self, most: int) -> list[T]:
        """Remove and return up to ``most`` items."""
        taken: list[T] = []
        while self._queues and len(taken) < most:
            partition = min(self._queues, key=lambda p: (self._queues[p][0].tag, p))
            taken.append(self._pop(partition))
        return taken

    def drop(self, partitions: Iterable[int]) -> None:
        """Forget all items of ``partitions``."""
        for partition in partitions:
            while partition in self._queues:
                self._pop(partition, served=False)

    def waiting(self, partition: int) -> int:
        """Return how many items of ``partition`` wait."""
        return len(self._queues.get(partition, ()))

    def due_in(self, now_s: float, rows: int, delay_s: float) -> float | None:
        """Return the seconds until a batch is due: when ``rows`` wait or the first has waited ``delay_s``.

        None where nothing waits.
        """
        if not self._queues:
            return None
        if len(self) >= rows:
            return 0.0
        first_s = min(queue[0].since_s for queue in self._queues.values())
        return max(0.0, first_s + delay_s - now_s)

    def _pop(self, partition: int, served: bool = True) -> T:
        queue = self._queues[partition]
        waiting = queue.popleft()
        if not queue:
            del self._queues[partition]
        if served:
            self._served = max(self._served, waiting.tag)
        self._count[waiting.session] -= 1
        if not self._count[waiting.session]:
            del self._count[waiting.session], self._last_tag[waiting.session]
        return waiting.item
