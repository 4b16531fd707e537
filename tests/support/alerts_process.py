"""The alerts worker as a process of its own, and finals sent to it as fusion sends them."""

from collections.abc import Sequence
from functools import partial

from support.worker_process import running

from affectstream.runtime.kafka import Publisher
from affectstream.runtime.settings import Settings
from affectstream.runtime.store import FusedStore
from affectstream.schemas.messages import FusedEmotion

worker = partial(running, "alerts")


async def fuse(settings: Settings, windows: Sequence[FusedEmotion], batch: int = 60) -> None:
    """Do what fusion does: to the topic, acknowledged, and then to Redis."""
    async with Publisher(settings.kafka) as publisher, FusedStore(settings.redis) as store:
        for i in range(0, len(windows), batch):
            await publisher.send_many(windows[i : i + batch])
            await store.write(windows[i : i + batch])
