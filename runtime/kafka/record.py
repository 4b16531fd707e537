"""A record as it came from a topic, and all records that a topic holds, read from outside of any group."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from affectstream.runtime.kafka.errors import translated
from affectstream.runtime.kafka.publisher import MAX_REQUEST_BYTES, RUN
from affectstream.runtime.kafka.security import client_options
from affectstream.runtime.kafka.topics import check
from affectstream.runtime.settings.kafka import KafkaSettings

WAIT_MS = 500


@dataclass(frozen=True)
class Record:
    """One record as it came; ``timestamp_ms`` is the broker's where a topic keeps arrival times."""

    topic: str  # without the prefix
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes
    run: str = ""  # of the session, as the record's header names it


def received(topic: str, record: ConsumerRecord) -> Record:
    """Return what the client has received; ``topic`` is without the prefix."""
    run = dict(record.headers).get(RUN, b"").decode(errors="replace") if record.headers else ""
    value = record.value or b""
    return Record(topic, record.partition, record.offset, record.timestamp, record.key, value, run)


async def history(kafka: KafkaSettings, topic: str) -> AsyncIterator[list[Record]]:
    """Yield what ``topic`` holds now, partition by partition, each in the order of its offsets.

    Nothing is committed and no group is joined. Raises Unavailable.
    """
    partitions = [TopicPartition(kafka.topic_prefix + topic, n) for n in range(await check(kafka))]
    consumer = AIOKafkaConsumer(
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=MAX_REQUEST_BYTES,
        **client_options(kafka),
    )
    try:
        with translated(kafka):
            await consumer.start()
            ends = await consumer.end_offsets(partitions)
            consumer.assign(partitions)
            await consumer.seek_to_beginning(*partitions)
        for tp in partitions:
            while True:
                with translated(kafka):
                    if await consumer.position(tp) >= ends[tp]:
                        break
                    found = await consumer.getmany(tp, timeout_ms=WAIT_MS)
                if records := [received(topic, raw) for raw in found.get(tp, ()) if raw.offset < ends[tp]]:
                    yield records
    finally:
        await consumer.stop()
