"""Workers on a real broker: raw records in, what they published out, and what they committed."""

import asyncio
import time
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaProducer

from affectstream.runtime.kafka import Subscriber
from affectstream.runtime.kafka.lag import LagMeter, lag
from affectstream.schemas.codec import decode
from affectstream.schemas.errors import Unavailable
from affectstream.schemas.messages import DeadLetter, Observations
from affectstream.schemas.topics import DEAD_LETTERS, MEDIA, PROBABILITIES
from affectstream.workers.serve import group, serve

DEADLINE_S = 180  # a process of its own loads torch first


@asynccontextmanager
async def working(settings, *analysts):
    """Run a worker per analyst meanwhile; a worker that ends by itself fails the test."""
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        for analyst in analysts:
            tasks.create_task(serve(analyst, settings, stop))
        yield stop
        stop.set()


async def send_raw(kafka, records):
    """Send (topic, partition, value) as they are, whatever they hold."""
    producer = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap, max_request_size=2_000_000)
    async with producer:
        for topic, partition, value in records:
            await producer.send_and_wait(kafka.topic_prefix + topic, value, partition=partition)


async def caught_up(settings, modality, own=None):
    """Wait until the workers of ``modality`` have committed all that there is; ``own``: of those settings."""
    await behind_at_most(settings, modality, 0, own)


async def behind_at_most(settings, modality, records, own=None):
    """Wait until the workers of ``modality`` have no more than so many records to commit."""
    deadline = time.monotonic() + DEADLINE_S
    async with LagMeter(settings.kafka) as meter:
        while (behind := await _behind(meter, modality, own)) is None or behind > records:
            assert time.monotonic() < deadline, f"still behind: {behind}"
            await asyncio.sleep(0.05)


async def _behind(meter, modality, own):
    try:
        return sum((await meter.lag(MEDIA[modality].name, group(modality, own))).values())
    except Unavailable:  # a new broker has no coordinator for the first moment
        return None


async def read_all(kafka, topic):
    """Return (partition, message) of everything on ``topic``, in order within each partition."""
    found = []
    async with Subscriber(kafka, [topic.name], f"reader-of-{topic.name}") as reader:
        there = sum((await lag(kafka, topic.name, f"reader-of-{topic.name}")).values())
        deadline = time.monotonic() + DEADLINE_S
        while len(found) < there:
            assert time.monotonic() < deadline, f"{len(found)} of {there} records read"
            found += await reader.get(1000, 200)
    return [(record.partition, decode(record.value, topic.max_bytes)) for record in found]


async def observed(kafka, topic=PROBABILITIES):
    """Return (partition, observation) of all that workers have published, in order within each partition."""
    records = await read_all(kafka, topic)
    return [(p, item) for p, record in records if isinstance(record, Observations) for item in record.items]


async def letters(kafka):
    """Return all dead letters."""
    return [letter for _, letter in await read_all(kafka, DEAD_LETTERS) if isinstance(letter, DeadLetter)]
