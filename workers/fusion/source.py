"""Faust-streaming as a source of whole fetches: group membership, rebalances, the consumer's thread, commits.

Two things of faust 0.15.3 are replaced in subclasses of its driver, as there are no settings for them.
It asks the broker to wait 1.5 s for data; one fetch per broker is under way at a time, so data for one
partition would wait until a fetch for idle ones has run out. And it hands over one event at a time, at four
tasks each: `_drain_messages` hands over what a fetch returned, 30 times cheaper per record.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import faust
import structlog
from faust.exceptions import ConsumerNotStarted
from faust.transport.drivers import aiokafka as driver

from affectstream.runtime import metrics
from affectstream.runtime.kafka import ConsumerRecord
from affectstream.runtime.kafka.closing import close
from affectstream.runtime.kafka.errors import translated, unavailable
from affectstream.runtime.kafka.positions import Positions
from affectstream.runtime.settings import KafkaSettings
from affectstream.schemas.topics import Topic
from affectstream.workers.fusion.faust_options import options

FETCH_WAIT_MS = 50
FETCH_TIMEOUT_S = 1.0  # also the longest that faust waits for the fetch under way when it stops
LOGGER = logging.getLogger("faust.affect")  # under faust's own level, not ours

Batch = Mapping[int, Sequence[ConsumerRecord]]  # by partition, offsets ascending
# after how many revocations; by topic and partition
Fetch = tuple[int, Mapping[Any, list[ConsumerRecord]]]
OnRecords = Callable[[Batch], Awaitable[None]]

log = structlog.get_logger(__name__)


class Inbox:
    """The fetch that waits for the agent, and which records of the partitions have been handed over.

    One fetch waits while one is worked on, and the next stays with the consumer: that is the backpressure.
    """

    def __init__(self) -> None:
        self._epoch = 0  # how often partitions have been revoked
        self._fetches: asyncio.Queue[Fetch] = asyncio.Queue(1)
        self._positions = Positions()

    async def put(self, fetch: Fetch) -> None:
        """Leave a fetch; waits while there is no room."""
        await self._fetches.put(fetch)

    async def get(self) -> dict[int, Sequence[ConsumerRecord]]:
        """Return the records of the next fetch that belong to the partitions as they are assigned now."""
        while True:
            epoch, records = await self._fetches.get()
            if epoch != self._epoch:
                continue
            fresh = {tp.partition: self._fresh(tp.partition, each) for tp, each in records.items()}
            if batch := {partition: each for partition, each in fresh.items() if each}:
                return batch

    def begin(self, epoch: int) -> None:
        """Forget all that was read: after a rebalance, reading starts again at what is committed."""
        self._epoch = epoch
        self._positions.clear()

    def expected(self, partition: int) -> int | None:
        """Return the next offset to be handed over, None where nothing was since the last rebalance."""
        return self._positions.expected(partition)

    def covers(self, partition: int, offset: int) -> bool:
        """Say whether records handed over since the last rebalance lead to this next offset."""
        return self._positions.covers(partition, offset)

    def _fresh(self, partition: int, records: list[ConsumerRecord]) -> Sequence[ConsumerRecord]:
        """Return those not handed over yet: faust seeks after a rebalance, and then reads some twice."""
        expected = self.expected(partition)
        if expected is not None and records and records[0].offset < expected:
            records = [record for record in records if record.offset >= expected]
        if records:
            self._positions.advance(partition, records[0].offset)
            self._positions.advance(partition, records[-1].offset)
        return records


class _Thread(driver.AIOKafkaConsumerThread):  # type: ignore[misc]  # faust has no types here
    """The consumer's thread, which says of every fetch after how many revocations it was taken.

    Only this thread knows: a fetch may wait for a rebalance to end, and return records of the new assignment.
    Dropping those would lose them, as faust seeks back only where something has been committed.
    """

    logger = LOGGER
    epoch = 0

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS
        return consumer

    async def on_partitions_revoked(self, revoked: Any) -> None:
        """Part of faust's consumer thread: a rebalance begins."""
        self.epoch += 1
        await super().on_partitions_revoked(revoked)

    async def _fetch_records(self, *given: Any, **options: Any) -> Fetch | None:
        records = await super()._fetch_records(*given, **options)
        return (self.epoch, records) if records else None


class _Consumer(driver.Consumer):  # type: ignore[misc]
    logger = LOGGER

    def _new_consumer_thread(self) -> Any:
        return _Thread(self, loop=self.loop, beacon=self.beacon)

    async def _drain_messages(self, fetcher: Any) -> None:
        """Put each fetch into the app's inbox; replaces the loop that makes an event of every record."""
        try:
            while not (self.should_stop or fetcher.should_stop):
                fetch, _ = await self._wait_next_records(FETCH_TIMEOUT_S)
                await asyncio.sleep(0)  # a fetch that is buffered comes without a wait
                if fetch:
                    await self.app.inbox.put(fetch)
        except (asyncio.CancelledError, *self.consumer_stopped_errors):
            if not self.app.should_stop:
                raise

    def verify_event_path(self, now: float, tp: Any) -> None:
        """Watch fetching only: faust's checks of streams and commits see neither here."""
        self._thread.verify_recovery_event_path(now, tp)


class _Transport(driver.Transport):  # type: ignore[misc]
    Consumer = _Consumer


class _App(faust.App):  # type: ignore[misc]
    logger = LOGGER
    inbox: Inbox

    def _new_transport(self) -> Any:
        return _Transport(self.conf.broker_consumer, self)

    def _create_directories(self) -> None:
        """Make none: no table is kept, and the folder it runs in may be read-only."""


class FaustSource:
    """One topic in whole fetches: ``async with source.feeding(on_records, on_revoked)``.

    Offsets are committed by `commit` alone. Partitions are this member's until ``on_revoked``.
    """

    def __init__(self, kafka: KafkaSettings, topic: Topic) -> None:
        self._kafka = kafka
        self._inbox = Inbox()
        self._app = _App(**options(kafka, topic))
        self._app.inbox = self._inbox
        self._topic = self._app.topic(kafka.topic_prefix + topic.name, value_serializer="raw")
        self._topic_name, self._name = topic.name, kafka.topic_prefix + topic.name
        self._feeding: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def feeding(self, on_records: OnRecords, on_revoked: Callable[[], None]) -> AsyncIterator[None]:
        """Hand every fetch over to ``on_records``, one after the other, while the context is open.

        ``on_revoked`` is called before partitions may go, also while ``on_records`` is under way, whose batch
        will be read again then by whoever gets the partitions.
        """

        async def fuse(stream: Any) -> None:
            async for _ in stream.noack():
                raise AssertionError("fetches go to the inbox, no event is made of a record")

        async def revoked(*_: Any, **__: Any) -> None:
            self._inbox.begin(self._app.consumer._thread.epoch)
            on_revoked()

        self._app.agent(self._topic, name="fuse", concurrency=1)(fuse)
        self._app.on_partitions_revoked.connect(revoked)
        with translated(self._kafka):
            await self._app.start()
        self._feeding = asyncio.create_task(self._feed(on_records))
        try:
            yield
        finally:
            self._feeding.cancel()
            await asyncio.gather(self._feeding, return_exceptions=True)
            await close("faust", self._app.stop())

    async def _feed(self, on_records: OnRecords) -> None:
        while True:
            await on_records(await self._inbox.get())

    async def commit(self, offsets: Mapping[int, int]) -> None:
        """Commit the next offset to read per partition; raises Unavailable where faust gave up over it.

        What was not handed over since the last rebalance is left out and logged: the partition may be another
        member's by now.
        """
        consumer = self._app.consumer
        mine = {
            consumer._new_topicpartition(self._name, partition): offset
            for partition, offset in offsets.items()
            if self._inbox.covers(partition, offset)
        }
        committed = bool(mine) and await consumer._commit(mine)
        if self._app.crashed:
            raise unavailable(self._kafka, self._app.crash_reason or RuntimeError("faust stopped"))
        dropped = len(offsets) - (len(mine) if committed else 0)
        if dropped:
            metrics.COMMITS_DROPPED.inc(dropped)
            log.warning("commit_after_rebalance_dropped", group=self._app.conf.id, partitions=dropped)

    def ends(self) -> dict[int, int]:
        """Return the next offset of the log for every partition assigned, as of the last fetch."""
        ends = _ends(self._app)
        unread = [end - at for p, end in ends.items() if (at := self._inbox.expected(p)) is not None]
        metrics.LAG.labels(self._topic_name, self._app.conf.id).set(sum(unread))
        return ends

    def held(self) -> set[int]:
        """Return the partitions assigned."""
        return set(_ends(self._app))

    async def failed(self) -> None:
        """Wait until faust or ``on_records`` gives up, and raise why."""
        stopped = asyncio.ensure_future(self._app.wait_until_stopped())
        feeding = self._feeding
        assert feeding is not None, "failed() is for within feeding()"
        try:
            await asyncio.wait({stopped, feeding}, return_when=asyncio.FIRST_COMPLETED)
            if feeding.done():
                feeding.result()
            raise unavailable(self._kafka, self._app.crash_reason or RuntimeError("faust stopped"))
        finally:
            stopped.cancel()


def _ends(app: _App) -> dict[int, int]:
    try:
        return {tp.partition: app.consumer.highwater(tp) or 0 for tp in app.consumer.assignment()}
    except (ConsumerNotStarted, AssertionError, AttributeError):  # a rebalance, in faust's other thread
        return {}
