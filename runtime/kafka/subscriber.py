"""Records from Kafka for one consumer group, committed by hand."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import CommitFailedError, IllegalStateError

from affectstream.runtime import metrics
from affectstream.runtime.kafka.closing import close
from affectstream.runtime.kafka.errors import translated
from affectstream.runtime.kafka.positions import Positions
from affectstream.runtime.kafka.publisher import MAX_REQUEST_BYTES
from affectstream.runtime.kafka.record import Record, received
from affectstream.runtime.kafka.security import client_options
from affectstream.runtime.kafka.topics import require
from affectstream.runtime.settings.kafka import KafkaSettings
from affectstream.schemas.errors import AffectError, Unavailable

log = structlog.get_logger(__name__)

Partition = tuple[str, int]  # topic without the prefix, partition
OnRevoked = Callable[[frozenset[Partition]], Awaitable[None] | None]

HEARTBEAT_MS = 1000  # how soon a member hears of a rebalance
FETCH_WAIT_MS = 50  # one fetch per broker is under way at a time: idle partitions hold busy ones back so long
JOIN_TIMEOUT_S = 60
GRACE_S = 0.05  # beyond the wait that the client bounds itself
_NOWHERE = TopicPartition("", -1)  # waiting for it reads nothing, and shows the group that this member lives


def group_name(kafka: KafkaSettings, group: str) -> str:
    """Return the name of ``group`` on the broker: a prefix separates installations that share one."""
    return kafka.topic_prefix + group


def _consumer(kafka: KafkaSettings, group: str) -> Any:  # aiokafka has no types
    return AIOKafkaConsumer(
        group_id=group,
        group_instance_id=kafka.instance_id,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        partition_assignment_strategy=(RangePartitionAssignor,),
        session_timeout_ms=kafka.session_timeout_ms,
        heartbeat_interval_ms=min(HEARTBEAT_MS, kafka.session_timeout_ms // 4),
        max_partition_fetch_bytes=MAX_REQUEST_BYTES,
        fetch_max_wait_ms=FETCH_WAIT_MS,
        **client_options(kafka),
    )


class Subscriber(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """One member of a consumer group: ``async with Subscriber(settings.kafka, topics, "affect-video") as s``.

    Partitions are assigned by range, so that one member has the same partition numbers of all topics. After
    a rebalance, reading starts again from what is committed. ``on_revoked`` is told before that which
    partitions may go; it may await and commit, for at most half a session timeout, and must not call ``get``.
    """

    def __init__(
        self, kafka: KafkaSettings, topics: Sequence[str], group: str, on_revoked: OnRevoked | None = None
    ) -> None:
        self._kafka = kafka
        self._topics = [kafka.topic_prefix + topic for topic in topics]
        self._group = group_name(kafka, group)
        self._on_revoked = on_revoked
        self._consumer: Any = None
        self._positions = Positions()
        self._settled = asyncio.Event()  # between rebalances
        self._failure: AffectError | None = None
        self._turn = 0

    async def __aenter__(self) -> Self:
        self._consumer = _consumer(self._kafka, self._group)
        self._consumer.subscribe(self._topics, listener=self)
        for topic in map(self._plain, self._topics):
            metrics.GAPS.labels(topic)  # from zero: Prometheus sees the first loss as an increase then
        try:
            await require(self._kafka, self._topics)
            with translated(self._kafka):
                async with asyncio.timeout(JOIN_TIMEOUT_S):
                    await self._consumer.start()
        except BaseException:
            await self._consumer.stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the group; without a commit, whatever was not committed is read again by the next member."""
        await close("consumer", self._consumer.stop())

    async def get(self, max_records: int, timeout_ms: int) -> list[Record]:
        """Return up to ``max_records`` in offset order per partition, each partition getting its share.

        Returns what is there at once, else waits up to ``timeout_ms``; for no records it only waits, and
        shows the group that this member lives. Raises Unavailable, on the embedded broker also where it has
        dropped records before they were read.
        """
        if self._failure is not None:
            raise self._failure
        await asyncio.sleep(0)  # buffered records come without a wait; heartbeats need their turn
        try:
            async with asyncio.timeout(timeout_ms / 1000 + GRACE_S):
                await self._settled.wait()
                with translated(self._kafka):
                    return await self._read(max_records, timeout_ms)
        except TimeoutError:
            return []  # a rebalance is under way

    async def _read(self, max_records: int, timeout_ms: int) -> list[Record]:
        readable = sorted(self._consumer.assignment() - self._consumer.paused()) if max_records else []
        self._turn += 1
        records: list[Record] = []
        for i in range(len(readable)):
            share = -(-(max_records - len(records)) // (len(readable) - i))  # ceiling
            if share > 0:
                tp = readable[(self._turn + i) % len(readable)]
                records += self._accept(await self._consumer.getmany(tp, max_records=share))
        if not records and timeout_ms > 0:
            found = await self._consumer.getmany(
                *(readable or [_NOWHERE]), timeout_ms=timeout_ms, max_records=max_records or None
            )
            records = self._accept(found)
        self._report_lag(readable)
        return records

    def _report_lag(self, partitions: Sequence[TopicPartition]) -> None:
        unread: dict[str, int] = {}
        for tp in set(partitions) & self._consumer.assignment():  # a rebalance may have come meanwhile
            end, at = self._consumer.highwater(tp), self._positions.expected(tp)
            if end is not None and at is not None:
                unread[tp.topic] = unread.get(tp.topic, 0) + end - at
        for topic, count in unread.items():
            metrics.LAG.labels(self._plain(topic), self._group).set(count)

    def _accept(self, found: Mapping[TopicPartition, Sequence[Any]]) -> list[Record]:
        records = []
        for tp, batch in found.items():
            topic = self._plain(tp.topic)
            for raw in batch:
                missed = self._positions.advance(tp, raw.offset)
                if missed:
                    self._missed(topic, tp.partition, raw.offset, missed)
                records.append(received(topic, raw))
        return records

    def _missed(self, topic: str, partition: int, offset: int, missed: int) -> None:
        metrics.GAPS.labels(topic).inc(missed)
        log.error("records_lost", topic=topic, partition=partition, offset=offset, missed=missed)
        if self._kafka.embedded:
            raise Unavailable(
                f"the embedded broker dropped {missed} records of {topic} before {self._group} read them: it "
                "keeps about 5 MB per partition. Replay slower or with flow control, or use a real Kafka"
            )

    async def commit(
        self, offsets: Mapping[Partition, int], reached: Mapping[Partition, int] | None = None
    ) -> None:
        """Commit the next offset to read per partition; ``reached`` is how far its reader has come beyond.

        What this member no longer holds, or has not read since it got it, is left out and logged: another
        member may be ahead of it.
        """
        prefix = self._kafka.topic_prefix
        named = {TopicPartition(prefix + t, p): offset for (t, p), offset in offsets.items()}
        assigned = self._consumer.assignment()
        ahead = {TopicPartition(prefix + t, p): str(offset) for (t, p), offset in (reached or {}).items()}
        mine = {
            tp: (n, ahead.get(tp, ""))
            for tp, n in named.items()
            if tp in assigned and self._positions.covers(tp, n)
        }
        with translated(self._kafka):
            done = len(mine) if await self._commit(mine) else 0
        if done < len(named):
            metrics.COMMITS_DROPPED.inc(len(named) - done)
            log.warning("commit_after_rebalance_dropped", group=self._group, partitions=len(named) - done)

    async def _commit(self, mine: Mapping[TopicPartition, tuple[int, str]]) -> bool:
        try:
            if mine:
                await self._consumer.commit(dict(mine))
        except (CommitFailedError, IllegalStateError):
            return False
        return True

    def assigned(self) -> set[Partition]:
        """Return the partitions that this member holds."""
        return {(self._plain(tp.topic), tp.partition) for tp in self._consumer.assignment()}

    def held(self) -> dict[int, None]:
        """Return the numbers of the partitions that this member holds, for a `Watchdog` of one topic."""
        return dict.fromkeys(number for _, number in self.assigned())

    def pause(self, partitions: Iterable[Partition]) -> None:
        """Stop reading these until ``resume``; a rebalance resumes them too."""
        self._consumer.pause(*self._assigned_of(partitions))

    def resume(self, partitions: Iterable[Partition]) -> None:
        """Read these again."""
        self._consumer.resume(*self._assigned_of(partitions))

    def _assigned_of(self, partitions: Iterable[Partition]) -> set[TopicPartition]:
        named = {TopicPartition(self._kafka.topic_prefix + t, p) for t, p in partitions}
        return {tp for tp in named if tp in self._consumer.assignment()}

    def _plain(self, topic: str) -> str:
        return topic.removeprefix(self._kafka.topic_prefix)

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Part of aiokafka's listener: the group is about to rebalance."""
        self._settled.clear()
        gone = frozenset((self._plain(tp.topic), tp.partition) for tp in revoked)
        try:
            if gone and self._on_revoked is not None:
                await self._await_callback(self._on_revoked(gone))
        except AffectError as error:
            self._failure = error
        finally:
            self._positions.clear()

    async def _await_callback(self, answer: Awaitable[None] | None) -> None:
        if not inspect.isawaitable(answer):
            return
        try:
            await asyncio.wait_for(answer, self._kafka.session_timeout_ms / 2000)
        except TimeoutError:
            log.warning("revoked_callback_timed_out", group=self._group)

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Part of aiokafka's listener: reading begins at what the group has committed."""
        mine = sorted(assigned)
        try:
            with translated(self._kafka):
                for tp in mine:
                    committed = await self._consumer.committed(tp)
                    start = 0 if committed is None and self._kafka.embedded else committed
                    self._positions.begin(tp, start)
        except AffectError as error:
            self._failure = error
        metrics.REBALANCES.labels(self._group).inc()
        log.info("partitions_assigned", group=self._group, partitions=[f"{t}/{p}" for t, p in mine])
        self._settled.set()
