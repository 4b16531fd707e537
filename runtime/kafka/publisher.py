"""Messages onto Kafka: topic, key and time come from the message itself."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from types import TracebackType
from typing import Any, Self

from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import murmur2

from affectstream.runtime.kafka.closing import close
from affectstream.runtime.kafka.errors import translated, unavailable
from affectstream.runtime.kafka.security import client_options
from affectstream.runtime.settings.kafka import KafkaSettings
from affectstream.schemas import topics
from affectstream.schemas.alert import Alert
from affectstream.schemas.codec import Message, encode
from affectstream.schemas.errors import TooLarge
from affectstream.schemas.messages import DeadLetter, FusedEmotion, Observations
from affectstream.schemas.topics import KIB, Topic

BATCH_BYTES = 64 * KIB  # of several records; one larger record travels alone
OVERHEAD_BYTES = 16 * KIB  # key, headers and framing of a batch
MAX_REQUEST_BYTES = max(topic.max_bytes for topic in topics.ALL) + OVERHEAD_BYTES
DELIVERY_MS = 120_000  # a message that no broker took by then has failed
REQUEST_MS = 30_000  # a connection without an answer for so long is closed, and another one made
AT_ONCE = 32  # that ask for room in the buffer: a batch that is sent wakes all that wait for it
SEND_S = 20.0  # for what is buffered, once the process stops

Ack = asyncio.Future[None]
Row = tuple[bytes | None, bytes, int | None, str]  # key, value, event time in ms, run of the session
RUN = "run"  # the header of the records of a run


def topic_of(message: Message) -> Topic:
    """Return the topic that carries ``message``."""
    if isinstance(message, Observations):
        return topics.PROBABILITIES
    if isinstance(message, FusedEmotion):
        return topics.FUSED
    if isinstance(message, Alert):
        return topics.ALERTS
    if isinstance(message, DeadLetter):
        return topics.DEAD_LETTERS
    return topics.MEDIA[message.modality]


def key_of(message: Message) -> bytes | None:
    """Return the record key: the session, where one record is of one session and goes where it leads."""
    if isinstance(message, Observations | DeadLetter):
        return None
    return message.session_id.encode()


def partition_of(session_id: str, partitions: int) -> int:
    """Return the partition that records with the key of a session go to, of so many."""
    number: int = (murmur2(session_id.encode()) & 0x7FFFFFFF) % partitions
    return number


def time_of(message: Message) -> int | None:
    """Return the event time that the record carries, in milliseconds."""
    if isinstance(message, Observations):
        return message.items[0].start_ms
    if isinstance(message, DeadLetter):
        return message.timestamp_ms if message.timestamp_ms >= 0 else None
    return message.start_ms


def headers(run: str) -> list[tuple[str, bytes]]:
    """Return the headers of a record: the run of its session, where it has a name."""
    return [(RUN, run.encode())] if run else []


def largest_batch(topic: Topic) -> int:
    """Return how many bytes of records a batch of the topic may have, its framing aside."""
    return max(topic.max_bytes, BATCH_BYTES)


def check_size(topic: Topic, value: bytes) -> None:
    """Raise TooLarge for what its topic does not take."""
    if len(value) > topic.max_bytes:
        raise TooLarge(f"{len(value)} bytes where {topic.name} allows {topic.max_bytes}")


class Publisher:
    """Idempotent and acknowledged by all replicas: ``async with Publisher(settings.kafka) as publisher``.

    ``batch_bytes`` is what waits for a partition while the request before it is on its way. More than that of
    `largest_batch` needs a sender that keeps within it.
    """

    def __init__(self, kafka: KafkaSettings, batch_bytes: int = BATCH_BYTES) -> None:
        self._kafka, self._batch_bytes = kafka, batch_bytes
        self._producer: Any = None
        self._asking = asyncio.Semaphore(AT_ONCE)

    async def __aenter__(self) -> Self:
        self._producer = AIOKafkaProducer(
            enable_idempotence=True,
            acks="all",
            max_batch_size=self._batch_bytes,
            max_request_size=MAX_REQUEST_BYTES,
            request_timeout_ms=DELIVERY_MS,
            **client_options(self._kafka),
        )
        # the client would wait for an answer for as long as for a delivery: there is no setting of its own
        self._producer.client._request_timeout_ms = REQUEST_MS
        try:
            with translated(self._kafka):
                await self._producer.start()
        except BaseException:
            await self._producer.stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Send what is buffered, then close; a broker that is gone is not waited for long."""
        await close("producer", self._producer.stop(), SEND_S)

    async def send(
        self, message: Message, *, partition: int | None = None, run: str = "", topic: Topic | None = None
    ) -> Ack:
        """Buffer ``message`` and return a future that is done once all replicas have it.

        ``run`` is that of its session, where the message itself does not name it. ``topic``: in place of the
        one that carries such messages. Waits while the buffer is full. Observations need their ``partition``:
        the one of their inputs. Raises TooLarge, and Unavailable here or from the future.
        """
        topic = topic or topic_of(message)
        if partition is None and isinstance(message, Observations):
            raise ValueError("observations go to the partition that their inputs came from")
        value = encode(message)
        check_size(topic, value)
        with translated(self._kafka):
            async with self._asking:
                sent = await self._producer.send(
                    self._kafka.topic_prefix + topic.name,
                    value,
                    key=key_of(message),
                    partition=partition,
                    timestamp_ms=time_of(message),
                    headers=headers(run or getattr(message, "run", "")),
                )
        return self._ack(sent)

    async def send_many(self, messages: Iterable[Message], *, partition: int | None = None) -> None:
        """Send ``messages`` in order and return when all are acknowledged."""
        acks = [await self.send(message, partition=partition) for message in messages]
        await asyncio.gather(*acks)

    async def send_encoded(self, topic: Topic, partition: int, rows: Sequence[Row]) -> None:
        """Send encoded messages to one partition in batches; returns when all replicas have them all.

        An eighth of the cost of `send` for each. Raises TooLarge before anything is sent, and Unavailable.
        """
        for _, value, *_ in rows:
            check_size(topic, value)
        name = self._kafka.topic_prefix + topic.name
        acks: list[asyncio.Future[Any]] = []
        with translated(self._kafka):
            try:
                for batch in self._batches(rows):
                    acks.append(await self._producer.send_batch(batch, name, partition=partition))
            finally:
                outcomes = await asyncio.gather(*acks, return_exceptions=True)
            for outcome in outcomes:
                if isinstance(outcome, BaseException):
                    raise outcome

    def _batches(self, rows: Iterable[Row]) -> Iterator[Any]:
        batch = self._producer.create_batch()
        for key, value, timestamp_ms, run in rows:
            record = {"key": key, "value": value, "timestamp": timestamp_ms, "headers": headers(run)}
            if batch.append(**record) is None:
                yield batch
                batch = self._producer.create_batch()
                batch.append(**record)
        if batch.record_count():
            yield batch

    def _ack(self, sent: asyncio.Future[Any]) -> Ack:
        ack: Ack = asyncio.get_running_loop().create_future()

        def settle(done: asyncio.Future[Any]) -> None:
            if ack.cancelled():
                return
            if done.cancelled():
                ack.cancel()
            elif (error := done.exception()) is not None:
                ack.set_exception(unavailable(self._kafka, error))
            else:
                ack.set_result(None)

        sent.add_done_callback(settle)
        return ack
