"""Bare aiokafka: a consumer group, `getmany`, and the plain fold."""

import asyncio

from aiokafka import AIOKafkaConsumer
from fold import Clock, Windows, arguments, items


async def main() -> None:
    bootstrap, topic, observations = arguments()
    clock, windows = Clock(observations), Windows()
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=bootstrap,
        group_id="peer-aiokafka",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        fetch_max_wait_ms=50,
        max_partition_fetch_bytes=2 << 20,
    )
    await consumer.start()
    while True:
        fetched = await consumer.getmany(timeout_ms=1000, max_records=500)
        for records in fetched.values():
            clock.begin()
            for record in records:
                found = items(record.value)
                windows.add(found)
                clock.count(len(found))


asyncio.run(main())
