"""Lag of a consumer group whose coordinator is not ready yet, or behind a connection that is silent."""

import asyncio
from types import SimpleNamespace
from typing import ClassVar

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import GroupCoordinatorNotAvailableError

from affectstream.runtime.kafka.lag import ConsumerProgress, LagMeter, LagProbe
from affectstream.runtime.settings import load
from affectstream.schemas.errors import Unavailable

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


class Silent:
    """A meter whose connections let nothing through, if it is the first of ``made``."""

    made: ClassVar[list["Silent"]] = []

    def __init__(self, kafka) -> None:
        self.is_silent, self.is_open = not self.made, True
        self.made.append(self)

    async def __aenter__(self):
        return self

    async def __aexit__(self, *error) -> None:
        self.is_open = False

    async def progress(self, topic, group):
        if self.is_silent:
            await asyncio.Event().wait()
        return {0: ConsumerProgress(5, 3)}


async def test_a_probe_gives_a_silent_connection_up_and_asks_over_another(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("affectstream.runtime.kafka.lag.LagMeter", Silent)
    monkeypatch.setattr("affectstream.runtime.kafka.lag.ANSWER_S", 0.05)
    readers = [("affect.video.frames", "affect-video"), ("affect.audio.chunks", "affect-audio")]
    async with LagProbe(load().kafka) as probe:
        with pytest.raises(Unavailable, match="does not answer"):
            await probe.progress(readers)
        assert await probe.progress(readers) == {each: {0: ConsumerProgress(5, 3)} for each in readers}
        assert await probe.progress(readers[:1]) == {readers[0]: {0: ConsumerProgress(5, 3)}}
        assert [each.is_open for each in Silent.made] == [False, True]
    assert [each.is_open for each in Silent.made] == [False, False]
