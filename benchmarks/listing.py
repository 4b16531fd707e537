"""How soon a streamed call is listed, and followed by `show`: from its first frame on, in a whole system."""

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
from affectstream.sessions import POLL_S, Follower
from affectstream.up import processes
from benchmarks.measure import Row

READY_S = 240
SECONDS = 20  # of a call; it is cut off once it is seen
LOOK_S = 0.02
FULL, SMALL = 20, 3  # calls, one after the other


def rows(settings: Settings, logs: Path, small: bool) -> Iterator[Row]:
    """Yield the time to the listing; ``settings`` are those of the gateway."""
    env = as_env(settings) | {"PYTHONUNBUFFERED": "1"}
    children = [each for each in processes(settings) if each.name in ("audio", "fusion")]
    children.append(Child("gateway", "affectstream.producers.gateway", env, settings.gateway.health_port))
    with Children(children, logs) as started:
        started.wait_ready(READY_S)
        found = asyncio.run(_seen_s(settings, SMALL if small else FULL))
    for what, seen in (("its listing", 0), ("its row in `show --follow`", 1)):
        each_s = [took_s[seen] for took_s in found]
        yield Row(f"gateway, first frame of a call to {what}, p50", 1000 * median(each_s), "ms")
        yield Row("gateway, the same, the slowest", 1000 * max(each_s), "ms")


async def _seen_s(settings: Settings, calls: int) -> list[tuple[float, float]]:
    async with FusedStore(settings.redis) as store:
        return [await _one_s(settings, store, f"listed-{number}") for number in range(calls)]


async def _one_s(settings: Settings, store: FusedStore, call_id: str) -> tuple[float, float]:
    """Return how many seconds after its first frame a call at real time is listed, and has a row."""
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

        async def listed_s() -> float:
            while call_id not in [session.session_id for session in await store.sessions()]:
                await asyncio.sleep(LOOK_S)
            return time.monotonic() - began_s

        async def followed_s() -> float:
            follower = Follower(store, call_id)
            while not await follower.news():
                await asyncio.sleep(POLL_S)  # as the command does
            return time.monotonic() - began_s

        async with asyncio.timeout(SECONDS):
            seen = await asyncio.gather(listed_s(), followed_s())
        speaking.cancel()
        return seen
