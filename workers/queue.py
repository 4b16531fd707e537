"""What a worker has fetched and not analysed yet, decoded and under its partition's lease."""

from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass

from affectstream.runtime.kafka import Record
from affectstream.schemas.codec import decoder
from affectstream.schemas.errors import Malformed, MessageError
from affectstream.schemas.messages import EndOfStream, Media, Message, Modality
from affectstream.schemas.topics import MEDIA
from affectstream.workers.backlog import Backlog
from affectstream.workers.observe import Failure
from affectstream.workers.offsets import Lease

Partition = tuple[str, int]


@dataclass(frozen=True)
class Item:
    """One fetched record: its message, or why it has none, and the lease it was read under."""

    record: Record
    message: Media | EndOfStream | Failure
    lease: Lease


class Inbox:
    """The records of one modality's topic, from their arrival until a batch takes them."""

    def __init__(self, modality: Modality, now_s: Callable[[], float]) -> None:
        topic = MEDIA[modality]
        self._modality, self._now_s = modality, now_s
        self._decode: Callable[[bytes], Message] = decoder(topic.max_bytes, *topic.carries)
        self._backlog: Backlog[Item] = Backlog()
        self._leases: defaultdict[int, Lease] = defaultdict(Lease)

    def accept(self, record: Record) -> None:
        """Decode ``record`` and let it wait; one that cannot be decoded waits for its dead letter."""
        lease = self._leases[record.partition]
        lease.arrived(record.offset)
        message = self._read(record)
        session = "" if isinstance(message, Failure) else message.session_id
        self._backlog.add(record.partition, session, Item(record, message, lease), self._now_s())

    def revoked(self, partitions: Collection[Partition]) -> None:
        """Drop all work on ``partitions``, under way or not: nothing of it is published or committed."""
        for _, partition in partitions:
            self._backlog.drop([partition])
            if (lease := self._leases.pop(partition, None)) is not None:
                lease.lost = True

    def due_in(self, rows: int, delay_s: float) -> float | None:
        """Return the seconds until a batch of up to ``rows`` is due; None where nothing waits."""
        return self._backlog.due_in(self._now_s(), rows, delay_s)

    def take(self, rows: int) -> list[Item]:
        """Remove and return the items of the next batch."""
        return self._backlog.take(rows)

    def full(self, partitions: Collection[Partition], most: int) -> set[Partition]:
        """Return those of ``partitions`` with at least ``most`` items waiting."""
        return {(topic, p) for topic, p in partitions if self._backlog.waiting(p) >= most}

    def _read(self, record: Record) -> Media | EndOfStream | Failure:
        try:
            message = self._decode(record.value)
            if not isinstance(message, Media | EndOfStream) or message.modality != self._modality:
                raise Malformed(f"the end of another modality's stream; this topic carries {self._modality}")
        except MessageError as error:
            return Failure(error.reason, str(error))
        return message
