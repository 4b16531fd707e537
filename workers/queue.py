"""The input queue of a worker: fetched records, decoded, until a batch takes them, fairly over sessions."""

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from affectstream.runtime.kafka import Record
from affectstream.schemas.codec import Message, decoder
from affectstream.schemas.errors import Malformed, MessageError
from affectstream.schemas.messages import EndOfStream, Media, Modality
from affectstream.schemas.topics import MEDIA
from affectstream.workers.observe import Failure

Partition = tuple[str, int]
T = TypeVar("T")


class OffsetTracker:
    """The offsets of one partition from its assignment until it is revoked: which may be committed.

    Records that were fetched must all be processed before a later one is committed. After ``lost`` nothing
    may be published or committed: another consumer, or a new tracker, starts from the last commit.
    """

    def __init__(self) -> None:
        self.lost = False
        self._open: deque[int] = deque()  # in the order of arrival, which is the order of offsets
        self._done: set[int] = set()

    def fetched(self, offset: int) -> None:
        """Note a record that was fetched; offsets rise, with holes where the log has holes."""
        self._open.append(offset)

    def processed(self, offset: int) -> int | None:
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
        """Return how many records were fetched and are not behind the prefix yet."""
        return len(self._open)


@dataclass(frozen=True)
class _Waiting(Generic[T]):
    tag: int
    session: str
    item: T


class FairQueue(Generic[T]):
    """Items by partition, in the order of arrival, taken fairly over sessions.

    Start-time fair queueing over the heads of the partitions: every item gets a tag, one more than the larger
    of its session's last tag and the tag being served; the smallest tag at the head of a partition goes next.
    A busy session's tags run ahead, so the others pass it. Within a partition nothing overtakes: what is
    published there keeps the order of the input.

    Goyal, Vin, Cheng: "Start-time Fair Queueing", SIGCOMM 1996.
    """

    def __init__(self) -> None:
        self._queues: dict[int, deque[_Waiting[T]]] = {}
        self._last_tag: dict[str, int] = {}  # of sessions that wait
        self._count: Counter[str] = Counter()  # items that wait, by session
        self._served = 0  # the largest tag served

    def __len__(self) -> int:
        return self._count.total()

    def add(self, partition: int, session: str, item: T) -> None:
        """Put ``item`` behind all others of its partition."""
        tag = max(self._last_tag.get(session, 0), self._served) + 1
        self._last_tag[session] = tag
        self._count[session] += 1
        self._queues.setdefault(partition, deque()).append(_Waiting(tag, session, item))

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


@dataclass(frozen=True)
class Item:
    """One fetched record: its message, or why it has none, and the offsets of its partition."""

    record: Record
    message: Media | EndOfStream | Failure
    offsets: OffsetTracker


class InputQueue:
    """The records of one modality's topic, from their arrival until a batch takes them."""

    def __init__(self, modality: Modality) -> None:
        topic = MEDIA[modality]
        self._modality = modality
        self._decode: Callable[[bytes], Message] = decoder(topic.max_bytes, *topic.carries)
        self._items: FairQueue[Item] = FairQueue()
        self._offsets: defaultdict[int, OffsetTracker] = defaultdict(OffsetTracker)

    def __len__(self) -> int:
        return len(self._items)

    def add(self, record: Record) -> None:
        """Decode ``record`` and let it wait; one that cannot be decoded waits for its dead letter."""
        offsets = self._offsets[record.partition]
        offsets.fetched(record.offset)
        message = self._read(record)
        session = "" if isinstance(message, Failure) else message.session_id
        self._items.add(record.partition, session, Item(record, message, offsets))

    def revoked(self, partitions: Collection[Partition]) -> None:
        """Drop all work on ``partitions``, under way or not: nothing of it is published or committed."""
        for _, partition in partitions:
            self._items.drop([partition])
            if (offsets := self._offsets.pop(partition, None)) is not None:
                offsets.lost = True

    def take(self, rows: int) -> list[Item]:
        """Remove and return up to ``rows`` items, the next batch."""
        return self._items.take(rows)

    def full(self, partitions: Collection[Partition], most: int) -> set[Partition]:
        """Return those of ``partitions`` with at least ``most`` items waiting."""
        return {(topic, p) for topic, p in partitions if self._items.waiting(p) >= most}

    def _read(self, record: Record) -> Media | EndOfStream | Failure:
        try:
            message = self._decode(record.value)
            if not isinstance(message, Media | EndOfStream) or message.modality != self._modality:
                raise Malformed(f"the end of another modality's stream; this topic carries {self._modality}")
        except MessageError as error:
            return Failure(error.reason, str(error))
        return message
