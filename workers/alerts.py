"""The alerts process: settings, rules, Redis, Kafka, health, and the loop."""

from contextlib import AsyncExitStack
from typing import Any

from affectstream.analytics.rules import read
from affectstream.runtime import process, topics
from affectstream.runtime.health import Health
from affectstream.runtime.kafka import Publisher, Subscriber
from affectstream.runtime.process import Stop
from affectstream.runtime.settings import Settings, load
from affectstream.runtime.store import FusedStore
from affectstream.schemas.errors import SettingsError
from affectstream.schemas.topics import FUSED
from affectstream.workers.alerts_loop import SETTLE_S, Alerting

GROUP = "affect-alerts"
STUCK_S = 30 + SETTLE_S  # without a fetch for so long, the worker is not ready


async def serve(settings: Settings, stop: Stop) -> None:
    """Raise alerts until ``stop``; raises SettingsError for bad rules, Unavailable where a broker fails."""
    own = settings.alerts
    if not own.enabled:
        raise SettingsError("the setting alerts.enabled is false; without it this process has nothing to do")
    rules = read(own.rules)
    async with AsyncExitStack() as stack:
        await topics.check(settings.kafka)
        store = await stack.enter_async_context(FusedStore(settings.redis))
        publisher = await stack.enter_async_context(Publisher(settings.kafka))
        subscriber = await stack.enter_async_context(Subscriber(settings.kafka, [FUSED.name], GROUP))
        loop = Alerting(rules, subscriber, publisher, store)

        async def answers() -> bool:
            await store.ping()
            return True

        checks: dict[str, Any] = {
            "partitions": lambda: bool(subscriber.assigned()),
            "fetching": lambda: loop.idle_s() < STUCK_S,
            "redis": answers,
        }
        await stack.enter_async_context(Health(own.health_port, checks, own.health_host))
        await loop.run(stop)


def main() -> None:
    """Be the alerts process until a signal comes; leaves by SystemExit where something is wrong."""
    process.run(lambda stop: serve(load(), stop), worker="alerts")


if __name__ == "__main__":
    main()
