"""A bare Faust agent over events, and the plain fold."""

import asyncio

import faust
from fold import Clock, Windows, arguments, items

bootstrap, topic, observations = arguments()
clock, windows = Clock(observations), Windows()
app = faust.App(
    "peer-faust",
    broker=f"kafka://{bootstrap.split(',')[0]}",
    consumer_auto_offset_reset="earliest",
    consumer_max_fetch_size=2 << 20,
    topic_disable_leader=True,
    topic_allow_declare=False,
    web_enabled=False,
    autodiscover=False,
    store="memory://",
)


@app.agent(app.topic(topic, key_serializer="raw", value_serializer="raw", value_type=bytes))
async def fold(stream: faust.Stream[bytes]) -> None:
    async for value in stream:
        clock.begin()
        found = items(value)
        windows.add(found)
        clock.count(len(found))


async def main() -> None:
    await app.start()
    await app.wait_until_stopped()


asyncio.run(main())
