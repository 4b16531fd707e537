"""Faust as a source of whole fetches, on a real broker: order, commits, rebalances, backpressure."""

import asyncio
import time
from collections import defaultdict
from contextlib import AsyncExitStack

import pytest
from aiokafka import AIOKafkaProducer

from affectstream.runtime.kafka.lag import lag
from affectstream.schemas.topics import PARTITIONS, PROBABILITIES
from affectstream.workers.fusion.faust_options import FETCH_RECORDS
from affectstream.workers.fusion.source import FaustSource

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

DEADLINE_S = 60


class Reader:
    """An agent that keeps the offsets it is handed, per assignment."""

    def __init__(self, kafka):
        self.source = FaustSource(kafka, PROBABILITIES)
        self.offsets = defaultdict(list)
        self.values = defaultdict(list)
        self.batches = 0
        self.revoked = 0
        self.go = asyncio.Event()
        self.go.set()

    def feeding(self):
        return self.source.feeding(self.on_records, self.on_revoked)

    async def on_records(self, batch):
        self.batches += 1
        for partition, records in batch.items():
            assert all(record.partition == partition for record in records)
            self.offsets[partition] += [record.offset for record in records]
            self.values[partition] += [record.value for record in records]
        await self.go.wait()

    def on_revoked(self):
        self.revoked += 1
        self.offsets.clear()

    def next_offsets(self):
        return {partition: read[-1] + 1 for partition, read in self.offsets.items()}

    def count(self):
        return sum(map(len, self.offsets.values()))


async def fill(kafka, each, start=0):
    """Write ``each`` records to every partition, their values their offsets."""
    producer = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap)
    await producer.start()
    topic = kafka.topic_prefix + PROBABILITIES.name
    for n in range(start, start + each):
        for partition in range(PARTITIONS):
            await producer.send(topic, b"%d" % n, partition=partition, timestamp_ms=1000 + n)
    await producer.stop()


async def until(condition):
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, "nothing came"
        await asyncio.sleep(0.02)


async def test_every_record_comes_once_in_order_and_in_whole_fetches(kafka):
    await fill(kafka, 1000)
    reader = Reader(kafka)
    async with reader.feeding():
        await until(lambda: reader.count() >= 1000 * PARTITIONS)
        assert dict(reader.offsets) == {p: list(range(1000)) for p in range(PARTITIONS)}
        assert reader.values[2] == [b"%d" % n for n in range(1000)]
        assert reader.batches < 1000 * PARTITIONS / FETCH_RECORDS * 5
        assert reader.source.ends() == dict.fromkeys(range(PARTITIONS), 1000)


async def test_reading_goes_on_at_exactly_what_was_committed(kafka):
    await fill(kafka, 50)
    reader = Reader(kafka)
    async with reader.feeding():
        await until(lambda: reader.count() == 50 * PARTITIONS)
        await reader.source.commit({0: 50, 1: 7, 2: 0})
    assert await lag(kafka, PROBABILITIES.name, PROBABILITIES.group) == {0: 0, 1: 43, 2: 50, 3: 50}
    again = Reader(kafka)
    async with again.feeding():
        await until(lambda: again.count() == 143)
    assert {p: read[0] for p, read in again.offsets.items()} == {1: 7, 2: 0, 3: 0}


async def test_a_rebalance_loses_nothing_and_a_stale_commit_is_dropped(kafka):
    await fill(kafka, 100)
    one, two = Reader(kafka), Reader(kafka)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(one.feeding())
        await until(lambda: one.count() == 100 * PARTITIONS)
        before = one.revoked
        await one.source.commit(dict.fromkeys(range(PARTITIONS), 40))
        await stack.enter_async_context(two.feeding())
        await until(lambda: one.count() == two.count() == 60 * 2)
        assert one.revoked > before
        assert set(one.offsets) | set(two.offsets) == set(range(PARTITIONS))
        for read in (*one.offsets.values(), *two.offsets.values()):
            assert read == list(range(40, 100))
        await one.source.commit(dict.fromkeys(two.offsets, 99))
        await fill(kafka, 10, start=100)
        await until(lambda: one.count() == two.count() == 70 * 2)
        await two.source.commit(two.next_offsets())
    behind = await lag(kafka, PROBABILITIES.name, PROBABILITIES.group)
    assert behind == {p: 0 if p in two.offsets else 70 for p in range(PARTITIONS)}


async def test_an_agent_that_is_busy_is_not_handed_more(kafka):
    await fill(kafka, 3 * FETCH_RECORDS)
    reader = Reader(kafka)
    reader.go.clear()
    async with reader.feeding():
        await until(lambda: reader.batches == 1)
        handed = reader.count()
        await until(lambda: reader.source.ends().get(0) == 3 * FETCH_RECORDS)
        assert reader.batches == 1
        assert handed <= FETCH_RECORDS
        reader.go.set()
        await until(lambda: reader.count() == 3 * FETCH_RECORDS * PARTITIONS)


async def test_what_the_agent_raises_is_raised_by_failed(kafka):
    await fill(kafka, 1)
    source = FaustSource(kafka, PROBABILITIES)

    async def break_down(_):
        raise RuntimeError("the agent broke down")

    async with source.feeding(break_down, lambda: None):
        with pytest.raises(RuntimeError, match="the agent broke down"):
            await asyncio.wait_for(source.failed(), DEADLINE_S)
