"""How far a consumer group is behind a topic; imports aiokafka. It looks on, and joins no group."""

import asyncio
from types import TracebackType
from typing import Any, Self

from aiokafka import AIOKafkaConsumer, TopicPartition

from runtime import metrics
from runtime.faults import translated
from runtime.groups import KafkaSettings
from runtime.security import client_options
from runtime.subscriber import group_name


class LagMeter:
    """``async with LagMeter(settings.kafka) as meter: await meter.lag(FRAMES.name, "affect-video")``."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self._kafka = kafka
        self._onlookers: dict[
            str, Any
        ] = {}  # a client per group: offsets are asked of the group's coordinator

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for onlooker in self._onlookers.values():
            await onlooker.stop()

    async def lag(self, topic: str, group: str) -> dict[int, int]:
        """Return per partition the records that ``group`` has not committed; {} where the topic is not there.

        A group that has not committed yet is behind by everything that the broker still has.
        """
        with translated(self._kafka):
            onlooker = await self._onlooker(group)
            partitions = await self._partitions(onlooker, self._kafka.topic_prefix + topic)
            if not partitions:
                return {}
            ends, begins = await asyncio.gather(
                onlooker.end_offsets(partitions), onlooker.beginning_offsets(partitions)
            )
            committed = await asyncio.gather(*(onlooker.committed(tp) for tp in partitions))
        behind = {
            tp.partition: max(0, ends[tp] - max(begins[tp], done or 0))
            for tp, done in zip(partitions, committed, strict=True)
        }
        metrics.LAG.labels(topic, group).set(sum(behind.values()))
        return behind

    async def _onlooker(self, group: str) -> Any:
        if group not in self._onlookers:
            onlooker = AIOKafkaConsumer(
                group_id=group_name(self._kafka, group),
                enable_auto_commit=False,
                **client_options(self._kafka),
            )
            try:
                await onlooker.start()
            except BaseException:
                await onlooker.stop()
                raise
            self._onlookers[group] = onlooker
        return self._onlookers[group]

    async def _partitions(self, onlooker: Any, topic: str) -> list[TopicPartition]:
        if onlooker.partitions_for_topic(topic) is None:
            await onlooker.topics()
        return sorted(TopicPartition(topic, p) for p in onlooker.partitions_for_topic(topic) or ())


async def lag(kafka: KafkaSettings, topic: str, group: str) -> dict[int, int]:
    """Return a group's lag once; a LagMeter keeps its connection for more."""
    async with LagMeter(kafka) as meter:
        return await meter.lag(topic, group)
