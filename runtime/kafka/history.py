"""Everything that a topic holds, read from outside of any group."""

from collections.abc import AsyncIterator

from aiokafka import AIOKafkaConsumer, TopicPartition

from affectstream.runtime.kafka.errors import translated
from affectstream.runtime.kafka.publisher import MAX_REQUEST_BYTES
from affectstream.runtime.kafka.record import Record, received
from affectstream.runtime.kafka.security import client_options
from affectstream.runtime.kafka.topics import check
from affectstream.runtime.settings.kafka import KafkaSettings

WAIT_MS = 500


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
