"""The fusion process: settings, resources, and the agent until a signal comes."""

import asyncio
import ctypes
import gc
from contextlib import AsyncExitStack
from typing import Any

from affectstream.runtime import process
from affectstream.runtime.consent import Consents
from affectstream.runtime.health import Health
from affectstream.runtime.kafka import Publisher, topics
from affectstream.runtime.kafka.lag import LagProbe
from affectstream.runtime.metrics import MODEL
from affectstream.runtime.process import Stop
from affectstream.runtime.settings import Settings, load
from affectstream.runtime.store import FusedStore
from affectstream.runtime.watchdog import Watchdog
from affectstream.schemas.topics import PROBABILITIES
from affectstream.workers.fusion.agent import FusionAgent
from affectstream.workers.fusion.config import configured
from affectstream.workers.fusion.sink import Sink
from affectstream.workers.fusion.source import FaustSource
from affectstream.workers.fusion.stalls import LagWatch

YOUNG_OBJECTS = 200_000  # between collections: observations hold no cycles, and most live for a second
TIDY_EVERY_S = 60.0  # it stands still meanwhile, for tens of milliseconds at most


def main() -> None:
    """Run the fusion process until SIGTERM or SIGINT. Exits 2 on a configuration error, 1 on a crash."""

    async def until_stopped(stop: Stop) -> None:
        await serve(load(), stop)

    process.run(until_stopped, worker="fusion")


async def serve(settings: Settings, stop: Stop) -> None:
    """Fuse until ``stop``; raises Unavailable where the broker does not answer."""
    fusion = configured(settings.fusion)
    fitted = settings.fusion.fitted
    MODEL.info({"rule": settings.fusion.rule, "fitted": fitted.name if fitted else "shipped"})
    async with AsyncExitStack() as stack:
        await topics.check(settings.kafka)
        store = await stack.enter_async_context(FusedStore(settings.redis))
        publisher = await stack.enter_async_context(Publisher(settings.kafka))
        meter = await stack.enter_async_context(LagProbe(settings.kafka))
        source = FaustSource(settings.kafka, PROBABILITIES)
        lag = LagWatch(meter, fusion.stall_ms, settings.asr.enabled)
        embedded = settings.kafka.embedded
        consents = await stack.enter_async_context(Consents(settings.redis, settings.policy, stopping=stop))
        agent = FusionAgent(fusion, store, Sink(publisher, store), lag, source, embedded, consents)
        consents.on_refused = agent.withdraw
        checks: dict[str, Any] = {"partitions": lambda: bool(source.ends()), "redis": lambda: _answers(store)}
        group = settings.fusion
        await stack.enter_async_context(Health(group.health_port, checks, group.health_host))
        await stack.enter_async_context(source.feeding(agent.receive, agent.revoked))

        def positions() -> dict[int, int | None]:
            return {number: agent.carried_out.get(number) for number in source.held()}

        watchdog = Watchdog(settings.kafka, [PROBABILITIES.name], PROBABILITIES.group, positions)
        await stack.enter_async_context(watchdog)
        gc.freeze()
        gc.set_threshold(YOUNG_OBJECTS)
        await _run(agent, source, stop)


async def _run(agent: FusionAgent, source: FaustSource, stop: Stop) -> None:
    """Run the agent until ``stop``, or until it or the source gives up."""
    working = asyncio.create_task(agent.run(stop))
    failing = asyncio.create_task(source.failed())
    tidying = asyncio.create_task(_tidy())
    try:
        await asyncio.wait({working, failing}, return_when=asyncio.FIRST_COMPLETED)
        for task in (failing, working):
            if task.done():
                task.result()
    finally:
        for task in (working, failing, tidying):
            task.cancel()
        await asyncio.gather(working, failing, tidying, return_exceptions=True)


async def _tidy() -> None:
    """Collect what holds itself, and give free pages back to the system; both wait for long otherwise."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # of glibc
    while True:
        await asyncio.sleep(TIDY_EVERY_S)
        gc.collect()
        if trim:
            trim(0)


async def _answers(store: FusedStore) -> bool:
    await store.ping()
    return True


if __name__ == "__main__":
    main()
