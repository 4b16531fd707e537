"""How soon a streamed call is listed: from its first frame to the sessions in Redis, in a whole system."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import numpy as np
from websockets.asyncio.client import connect

from affectstream.processes import Child, Children
from affectstream.producers.gateway.simulators import Timed, twilio
from affectstream.runtime.settings import Settings, as_env
from affectstream.runtime.store import FusedStore
from affectstream.up import processes
from benchmarks.measure import Row

READY_S = 240
SECONDS = 20  # of a call; it is cut off once it is listed
FULL, SMALL = 20, 3  # calls, one after the other


def rows(settings: Settings, logs: Path, small: bool) -> Iterator[Row]:
    """Yield the time to the listing; ``settings`` are those of the gateway."""
    env = as_env(settings) | {"PYTHONUNBUFFERED": "1"}
    children = [each for each in processes(settings) if each.name in ("audio", "fusion")]
    children.append(Child("gateway", "affectstream.producers.gateway", env, settings.gateway.health_port))
    with Children(children, logs) as started:
        started.wait_ready(READY_S)
        took_s = asyncio.run(_listed_s(settings, SMALL if small else FULL))
    yield Row("gateway, first frame of a call to its listing, p50", 1000 * median(took_s), "ms")
    yield Row("gateway, the same, the slowest", 1000 * max(took_s), "ms")


async def _listed_s(settings: Settings, calls: int) -> list[float]:
    async with FusedStore(settings.redis) as store:
        return [await _one_s(settings, store, f"listed-{number}") for number in range(calls)]


async def _one_s(settings: Settings, store: FusedStore, call_id: str) -> float:
    """Return how many seconds after its first frame a call at real time is among the sessions."""
    noise = np.random.default_rng(1).integers(-3000, 3000, 8_000 * SECONDS, "i2", endpoint=True)
    url = f"ws://127.0.0.1:{settings.gateway.port}/twilio"
    async with connect(url, proxy=None) as socket:
        began_s = time.monotonic()
        messages = twilio(call_id, {"inbound": noise.astype("<i2")})

        async def spoken(timed: Timed) -> None:
            for at_ms, message in timed:
                await asyncio.sleep(max(0.0, began_s + at_ms / 1000 - time.monotonic()))
                await socket.send(message)

        speaking = asyncio.create_task(spoken(messages))
        while call_id not in [session.session_id for session in await store.sessions()]:
            if speaking.done():
                raise RuntimeError("a call was over before it was listed")
            await asyncio.sleep(0.02)
        speaking.cancel()
        return time.monotonic() - began_s
