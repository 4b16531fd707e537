"""How far a consumer group is behind a topic, asked from outside the group."""

import asyncio
import contextlib
from collections.abc import Collection
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import (
    GroupCoordinatorNotAvailableError,
    GroupLoadInProgressError,
    NotCoordinatorForGroupError,
)
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_fixed

from affectstream.runtime.kafka.closing import close
from affectstream.runtime.kafka.errors import translated, unavailable
from affectstream.runtime.kafka.security import client_options
from affectstream.runtime.kafka.subscriber import group_name
from affectstream.runtime.kafka.topics import described
from affectstream.runtime.settings.kafka import KafkaSettings
from affectstream.schemas.errors import Unavailable

# A broker answers so while it makes the topic of the offsets, which a new one does when first asked.
COORDINATOR_MOVES = (
    GroupCoordinatorNotAvailableError,
    GroupLoadInProgressError,
    NotCoordinatorForGroupError,
)
COORDINATOR_S, COORDINATOR_WAIT_S = 10, 0.2
ANSWER_S = 10.0  # for the broker, before it counts as away

Reader = tuple[str, str]  # topic and group


@dataclass(frozen=True)
class ConsumerProgress:
    """One partition: the next offset of the log, and the next one that a group has to read."""

    end: int
    reached: int


class LagMeter:
    """``async with LagMeter(settings.kafka) as meter: await meter.lag(FRAMES.name, "affect-video")``."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self._kafka = kafka
        self._admin: Any = None
        self._consumer: Any = None  # of no group: it knows the ends
        self._partitions: dict[str, list[TopicPartition]] = {}

    async def __aenter__(self) -> Self:
        options = client_options(self._kafka)
        self._admin = AIOKafkaAdminClient(**options)
        self._consumer = AIOKafkaConsumer(enable_auto_commit=False, **options)
        try:
            with translated(self._kafka):
                await self._admin.start()
                await self._consumer.start()
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._close()

    async def lag(self, topic: str, group: str) -> dict[int, int]:
        """Return per partition the records that ``group`` has not committed; {} where the topic is not there.

        A group that has not committed yet is behind by everything that the broker still has.
        """
        found = await self.progress(topic, group)
        return {partition: each.end - each.reached for partition, each in found.items()}

    async def progress(self, topic: str, group: str) -> dict[int, ConsumerProgress]:
        """Return per partition where the log ends and what ``group`` has reached of it; {} as for ``lag``."""
        with translated(self._kafka):
            partitions = await self._partitions_of(topic)
            if not partitions:
                return {}
            committed, begins, ends = await asyncio.gather(
                self._committed(group_name(self._kafka, group), partitions),
                self._consumer.beginning_offsets(partitions),
                self._consumer.end_offsets(partitions),
            )
        return {
            tp.partition: _progress_of(
                begins[tp], ends[tp], _reached(committed[tp]) if tp in committed else 0
            )
            for tp in partitions
        }

    async def _committed(self, group: str, partitions: list[TopicPartition]) -> dict[TopicPartition, Any]:
        """Return what a group has committed; waits for its coordinator."""
        async for attempt in until_coordinated():
            with attempt:
                found: dict[TopicPartition, Any] = await self._admin.list_consumer_group_offsets(
                    group, partitions=partitions
                )
        return found

    async def _partitions_of(self, topic: str) -> list[TopicPartition]:
        if not self._partitions.get(topic):
            name = self._kafka.topic_prefix + topic
            numbers = (await described(self._kafka, self._admin, [name]))[name]
            self._partitions[topic] = [TopicPartition(name, number) for number in numbers]
        return self._partitions[topic]

    async def _close(self) -> None:
        await close("meter", self._consumer.stop())
        await close("meter", self._admin.close())


class LagProbe:
    """A meter for whoever must not wait: ``async with LagProbe(settings.kafka) as probe``.

    It connects when first asked. A broker that has not answered within ``ANSWER_S`` is away, and is asked
    anew over other connections: what a client still takes for a connection may let nothing through.
    """

    def __init__(self, kafka: KafkaSettings) -> None:
        self._kafka = kafka
        self._meter: LagMeter | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def progress(self, readers: Collection[Reader]) -> dict[Reader, dict[int, ConsumerProgress]]:
        """Return how far each group is in its topic, as `LagMeter.progress` says; raises Unavailable."""
        try:
            async with asyncio.timeout(ANSWER_S):
                if self._meter is None:
                    self._meter = await LagMeter(self._kafka).__aenter__()
                found = await asyncio.gather(*(self._meter.progress(*reader) for reader in readers))
                return dict(zip(readers, found, strict=True))
        except Unavailable:
            await self.close()
            raise
        except TimeoutError as error:
            await self.close()
            raise unavailable(self._kafka, error) from error

    async def close(self) -> None:
        """Close its connections; the next question makes others."""
        meter, self._meter = self._meter, None
        if meter is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(meter.__aexit__(None, None, None), ANSWER_S)


def until_coordinated() -> AsyncRetrying:
    """Return attempts until the coordinator of a group is there, for ten seconds."""
    return AsyncRetrying(
        retry=retry_if_exception_type(COORDINATOR_MOVES),
        wait=wait_fixed(COORDINATOR_WAIT_S),
        stop=stop_after_delay(COORDINATOR_S),
        reraise=True,
    )


def _reached(committed: Any) -> int:
    """Return what a group has reached: its committed offset, or the later one that stands beside it."""
    beside = str(committed.metadata or "")
    return max(int(committed.offset), int(beside) if beside.isascii() and beside.isdigit() else 0)


def _progress_of(begin: int, end: int, committed: int) -> ConsumerProgress:
    return ConsumerProgress(end, min(end, max(begin, committed)))


async def lag(kafka: KafkaSettings, topic: str, group: str) -> dict[int, int]:
    """Return a group's lag once; a LagMeter keeps its connection for more."""
    async with LagMeter(kafka) as meter:
        return await meter.lag(topic, group)
