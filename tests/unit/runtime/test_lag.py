"""Lag of a consumer group where its coordinator is not ready yet."""

from types import SimpleNamespace

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import GroupCoordinatorNotAvailableError

from affectstream.runtime.kafka.lag import ConsumerProgress, LagMeter
from affectstream.runtime.settings import load

PARTITION = TopicPartition("affect.video.frames", 0)


class NewBroker:
    """Answers as a broker that is still making the topic of the offsets: not at first."""

    def __init__(self, refusals: int) -> None:
        self.refusals = refusals

    async def describe_topics(self, names):
        return [{"topic": "affect.video.frames", "partitions": [{"partition": 0}]}]

    async def list_consumer_group_offsets(self, group, partitions):
        if self.refusals:
            self.refusals -= 1
            raise GroupCoordinatorNotAvailableError
        return {PARTITION: SimpleNamespace(offset=3, metadata="")}

    async def beginning_offsets(self, partitions):
        return {PARTITION: 0}

    async def end_offsets(self, partitions):
        return {PARTITION: 5}


async def test_a_coordinator_that_is_being_made_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("affectstream.runtime.kafka.lag.COORDINATOR_WAIT_S", 0.0)
    meter, broker = LagMeter(load().kafka), NewBroker(refusals=2)
    meter._admin = meter._consumer = broker
    assert await meter.progress("affect.video.frames", "affect-video") == {0: ConsumerProgress(5, 3)}
    assert broker.refusals == 0
