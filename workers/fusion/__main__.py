"""The fusion process: settings, Redis, Kafka, faust, health, and the agent."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any

from affectstream.runtime import process
from affectstream.runtime.health import Health
from affectstream.runtime.kafka import Publisher, topics
from affectstream.runtime.kafka.lag import LagMeter
from affectstream.runtime.process import Stop
from affectstream.runtime.settings import Settings, load
from affectstream.runtime.store import FusedStore
from affectstream.schemas.topics import PROBABILITIES
from affectstream.workers.fusion.agent import STOP_S, FusionAgent
from affectstream.workers.fusion.engines import engines
from affectstream.workers.fusion.outlet import Outlet
from affectstream.workers.fusion.source import FaustBroker
from affectstream.workers.fusion.watch import Watch


def main() -> None:
    """Be the fusion process until a signal comes; leaves by SystemExit where something is wrong."""

    async def until_stopped(stop: Stop) -> None:
        await serve(load(), stop)

    process.run(until_stopped, worker="fusion")


async def serve(settings: Settings, stop: Stop) -> None:
    """Fuse until ``stop``; raises Unavailable where a broker is not to be had."""
    new_engine = engines(settings.fusion)
    async with AsyncExitStack() as stack:
        await topics.check(settings.kafka)
        store = await stack.enter_async_context(FusedStore(settings.redis, patient=True))
        publisher = await stack.enter_async_context(Publisher(settings.kafka))
        meter = await stack.enter_async_context(LagMeter(settings.kafka))
        broker = FaustBroker(settings.kafka, PROBABILITIES)
        agent = FusionAgent(
            new_engine,
            store,
            Outlet(publisher, store),
            Watch(meter, settings.fusion.stall_ms),
            broker,
            gap_is_fatal=settings.kafka.embedded,
        )
        checks: dict[str, Any] = {"partitions": lambda: bool(broker.ends()), "redis": lambda: _answers(store)}
        fusion = settings.fusion
        await stack.enter_async_context(Health(fusion.health_port, checks, fusion.health_host))
        await stack.enter_async_context(broker.feeding(agent.receive, agent.revoked))
        await _run(agent, broker, stop)


async def _run(agent: FusionAgent, broker: FaustBroker, stop: Stop) -> None:
    """Run the agent until ``stop``, or until it or faust gives up."""
    working = asyncio.create_task(agent.run(stop))
    failing = asyncio.create_task(broker.failed())
    stopping = asyncio.create_task(stop.wait())
    tasks: set[asyncio.Task[Any]] = {working, failing, stopping}
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks - {stopping}:
            if task.done():
                task.result()
        await asyncio.wait({working}, timeout=STOP_S)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _answers(store: FusedStore) -> bool:
    await store.ping()
    return True
