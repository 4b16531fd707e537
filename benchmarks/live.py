"""Latency of a live video stream: from the end of a window to its final in Redis."""

import asyncio
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator

from prometheus_client.parser import text_string_to_metric_families

from affectstream.publish import published
from affectstream.runtime.settings import Settings
from affectstream.runtime.store import FusedStore
from affectstream.schemas.messages import Reason
from benchmarks.measure import Row, percentile
from benchmarks.recording import customer

FPS = 30.0
SECONDS = 20
WARM_UP = 3  # windows
LEAD_MS = 1500  # the replay's first frame is decoded by then
POLL_S = 0.005


async def latency(settings: Settings, video_port: int) -> Iterator[Row]:
    """Return p50 and p99 from the end of a window to its final in Redis, with old frames shed.

    ``video_port`` is where the video worker serves its metrics. A frame without a face was read; one that was
    shed was not.
    """
    before = observations(video_port)
    name, start_ms = "live", int(time.time() * 1000) + LEAD_MS
    frames = list(customer(name, start_ms, FPS, SECONDS))
    async with FusedStore(settings.redis) as store, asyncio.TaskGroup() as group:
        await asyncio.sleep(start_ms / 1000 - time.time())
        group.create_task(published(frames, settings.kafka, 1.0))
        took = (await _finals(store, name, SECONDS - 1))[WARM_UP:]
    states = observations(video_port) - before
    read = states.total() - states[Reason.SHED]
    return iter(
        [
            Row("capture to Redis, 30 fps live, p50", percentile(took, 0.5), "ms after the window"),
            Row("capture to Redis, 30 fps live, p99", percentile(took, 0.99), "ms after the window"),
            Row("frames of it that were read, not shed", 100 * read / states.total(), "%"),
            Row("frames of it without a face", 100 * states[Reason.NO_FACE] / states.total(), "%"),
        ]
    )


def observations(port: int) -> Counter[str]:
    """Return how many observations a worker has published, by type or reason of abstention."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as page:
        families = text_string_to_metric_families(page.read().decode())
        return Counter(
            {
                sample.labels["state"]: int(sample.value)
                for family in families
                for sample in family.samples
                if sample.name == "affect_observations_total"
            }
        )


async def _finals(store: FusedStore, name: str, windows: int) -> list[float]:
    """Return for each final window how long after its end it was there."""
    took: list[float] = []
    last_ms = 0
    deadline = time.monotonic() + SECONDS + 60
    while len(took) < windows and time.monotonic() < deadline:
        end_ms = await store.position(name, "customer") or 0
        if end_ms > last_ms:
            took.append(time.time() * 1000 - end_ms)
            last_ms = end_ms
        await asyncio.sleep(POLL_S)
    return took
