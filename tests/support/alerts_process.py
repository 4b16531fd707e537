"""The alerts worker as a process of its own, and finals sent to it as fusion sends them."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Sequence

from affectstream.runtime.kafka import Publisher
from affectstream.runtime.settings import Settings, as_env
from affectstream.runtime.store import FusedStore
from affectstream.schemas.messages import FusedEmotion


@contextlib.asynccontextmanager
async def worker(settings: Settings) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run the alerts process; killed at the end, as by a power cut, if it still runs."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "affectstream.workers.alerts", env={**os.environ, **as_env(settings)}
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def fuse(settings: Settings, windows: Sequence[FusedEmotion], batch: int = 60) -> None:
    """Do what fusion does: to the topic, acknowledged, and then to Redis."""
    async with Publisher(settings.kafka) as publisher, FusedStore(settings.redis) as store:
        for i in range(0, len(windows), batch):
            await publisher.send_many(windows[i : i + batch])
            await store.write(windows[i : i + batch])
