"""A publisher for processes that send thousands of large messages a second: they are sent in batches.

What comes within ``GATHER_S`` for a partition goes as one batch, and the batches of all partitions in one
request, which costs half of what the messages cost one by one. A partition for which a whole batch waits
takes no more before that is on its way::

    send       a b c . d e f g . . . h         g waits for room
    batches        abc      def  g      h
"""

import asyncio
from contextlib import suppress
from functools import lru_cache
from types import TracebackType
from typing import Any

from affectstream.runtime.kafka.errors import translated, unavailable
from affectstream.runtime.kafka.publisher import (
    SEND_S,
    Ack,
    Publisher,
    Row,
    check_size,
    key_of,
    largest_batch,
    partition_of,
    time_of,
    topic_of,
)
from affectstream.runtime.settings.kafka import KafkaSettings
from affectstream.schemas.codec import Message, encode
from affectstream.schemas.topics import Topic

GATHER_S = 0.02
ROW_BYTES = 64  # of a row beside its key, value and run, at most
SESSIONS = 8192  # whose partitions are remembered

placed = lru_cache(SESSIONS)(partition_of)


class GatheringPublisher(Publisher):
    """``async with GatheringPublisher(settings.kafka, batch_bytes) as publisher``: sends in batches."""

    def __init__(self, kafka: KafkaSettings, batch_bytes: int) -> None:
        super().__init__(kafka, batch_bytes)
        self._waiting: dict[tuple[str, int], _Waiting] = {}
        self._due: asyncio.TimerHandle | None = None  # one for all partitions

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Send what is gathered, then close; a broker that is gone is not waited for long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(SEND_S):
                while any(each.rows or each.sending for each in self._waiting.values()):
                    await asyncio.sleep(GATHER_S)
        for each in self._waiting.values():
            if each.sending:
                each.sending.cancel()
        await super().__aexit__(kind, error, trace)

    async def send(
        self, message: Message, *, partition: int | None = None, run: str = "", topic: Topic | None = None
    ) -> Ack:
        """Do as `Publisher.send` does, with the messages that come at about the same time."""
        topic, key = topic or topic_of(message), key_of(message)
        name = self._kafka.topic_prefix + topic.name
        if partition is None:
            if key is None:
                return await super().send(message, run=run, topic=topic)
            with translated(self._kafka):
                partition = placed(key.decode(), len(await self._producer.partitions_for(name)))
        value = encode(message)
        check_size(topic, value)
        waiting = self._waiting.get((name, partition))
        if waiting is None:
            most = min(self._batch_bytes, largest_batch(topic))
            waiting = self._waiting[name, partition] = _Waiting(most)
        row = key, value, time_of(message), run or getattr(message, "run", "")
        if not waiting.has_room(row):
            async with waiting.turn:
                while not waiting.has_room(row):
                    self._start(name, partition, waiting)
                    await waiting.taken.wait()
        ack = waiting.add(row)
        if self._due is None:
            self._due = asyncio.get_running_loop().call_later(GATHER_S, self._send_gathered)
        return ack

    def _send_gathered(self) -> None:
        """Send what waits for the partitions whose batch before is on its way."""
        self._due = None
        for (name, partition), waiting in self._waiting.items():
            self._start(name, partition, waiting)

    def _start(self, name: str, partition: int, waiting: "_Waiting") -> None:
        if waiting.rows and waiting.sending is None:
            waiting.sending = asyncio.create_task(self._send(name, partition, waiting))

    async def _send(self, name: str, partition: int, waiting: "_Waiting") -> None:
        rows, acks = waiting.take()
        its: list[Ack] = []
        try:
            for batch in self._batches(rows):
                its, acks = acks[: batch.record_count()], acks[batch.record_count() :]
                sent = await self._producer.send_batch(batch, name, partition=partition)
                sent.add_done_callback(lambda done, its=its: self._settle(its, _error_of(done)))
                its = []  # they are told by what becomes of their batch
        except Exception as error:
            self._settle([*its, *acks], error)
        waiting.sending = None
        if waiting.rows and self._due is None:
            self._send_gathered()

    def _settle(self, acks: list[Ack], error: BaseException | None) -> None:
        for ack in acks:
            if ack.done():
                continue
            if error is None:
                ack.set_result(None)
            else:
                ack.set_exception(unavailable(self._kafka, error))


class _Waiting:
    """The rows that wait for one partition, and who is told that a broker has them."""

    def __init__(self, most_bytes: int) -> None:
        self.rows: list[Row] = []
        self.acks: list[Ack] = []
        self.turn = asyncio.Lock()  # of the one that is next to have room
        self.taken = asyncio.Event()
        self.sending: asyncio.Task[None] | None = None
        self._most_bytes, self._size = most_bytes, 0

    def has_room(self, row: Row) -> bool:
        return not self.rows or self._size + _size(row) <= self._most_bytes

    def add(self, row: Row) -> Ack:
        ack: Ack = asyncio.get_running_loop().create_future()
        self.rows.append(row)
        self.acks.append(ack)
        self._size += _size(row)
        return ack

    def take(self) -> tuple[list[Row], list[Ack]]:
        found = self.rows, self.acks
        self.rows, self.acks, self._size = [], [], 0
        self.taken.set()
        self.taken = asyncio.Event()
        return found


def _size(row: Row) -> int:
    key, value, _, run = row
    return len(value) + len(key or b"") + len(run) + ROW_BYTES


def _error_of(done: asyncio.Future[Any]) -> BaseException | None:
    return asyncio.CancelledError() if done.cancelled() else done.exception()
