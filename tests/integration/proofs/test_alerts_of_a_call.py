"""Proof: the demo call through the whole system, its alerts worker killed, raises what `analyze` says."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support.system import System, analysed, running, short_demo

from affectstream.analytics.alerts import in_order
from affectstream.export import Report, report
from affectstream.runtime.alerts import canonical
from affectstream.runtime.kafka import Subscriber
from affectstream.runtime.settings import Settings
from affectstream.runtime.store import FusedStore
from affectstream.schemas.alert import Alert
from affectstream.schemas.codec import encode
from affectstream.schemas.topics import ALERTS

pytestmark = [pytest.mark.integration, pytest.mark.proof, pytest.mark.timeout(900)]

SECONDS = 24
RULES = """
[[rule]]
name = "calm"
kind = "above"
emotions = ["neutral"]
level = 0.4
seconds = 2
parties = ["customer", "agent"]

[[rule]]
name = "angry"
kind = "average"
emotions = ["angry", "disgust"]
level = 0.3
above_own = 0.1
seconds = 3

[[rule]]
name = "mixed"
kind = "disagreement"
level = 0.3
seconds = 1
parties = ["customer", "agent"]

[[rule]]
name = "turning"
kind = "rise"
emotions = ["sad", "angry"]
level = 0.1
hysteresis = 0.05
seconds = 3
parties = ["customer", "agent"]
"""


async def in_redis(settings: Settings, session_id: str) -> list[Alert]:
    async with FusedStore(settings.redis) as store:
        return in_order(await store.alerts(session_id))


def killing(system: System, session_id: str) -> Callable[[], None]:
    """Kill the alerts worker once it has told something, and start it again."""

    def kill() -> None:
        deadline = time.monotonic() + 240
        while not asyncio.run(in_redis(system.settings, session_id)):
            assert time.monotonic() < deadline, system.complaint()
            time.sleep(0.02)
        system.children.kill("alerts")
        system.children.start("alerts")

    return kill


async def on_the_topic(settings: Settings, session_id: str, count: int) -> set[bytes]:
    """The different alerts of a session on the topic, once there are so many."""
    found: set[bytes] = set()
    reading = Subscriber(settings.kafka, [ALERTS.name], f"readers-{session_id}")
    async with asyncio.timeout(120), reading as subscriber:
        while len(found) < count:
            records = await subscriber.get(500, 200)
            found |= {record.value for record in records if record.key == session_id.encode()}
    return found


async def check(system: System, session_id: str, expected: Report) -> None:
    """Redis and the topic hold the alerts of the run without a broker, byte for byte."""
    async with asyncio.timeout(120):
        while len(await in_redis(system.settings, session_id)) < len(expected.alerts):
            await asyncio.sleep(0.1)
    found = await in_redis(system.settings, session_id)
    assert [canonical(a) for a in found] == [canonical(a) for a in expected.alerts]
    told = await on_the_topic(system.settings, session_id, len(expected.alerts))
    assert told == {encode(a) for a in expected.alerts}
    assert report(await system.finals(session_id), system.settings).json() == expected.json()


async def test_a_call_raises_the_alerts_of_the_run_without_a_broker(
    broker_settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "rules.toml").write_text(RULES)
    own = broker_settings.alerts.model_copy(update={"rules": tmp_path / "rules.toml"})
    with running(broker_settings.model_copy(update={"alerts": own}), 1, tmp_path / "logs") as system:
        for session_id, disturbed in (("killed", True), ("undisturbed", False)):
            stream = short_demo(session_id, SECONDS)
            expected = report(analysed(stream, system.settings), system.settings)
            assert len(expected.alerts) > 4
            await system.run(stream, None, killing(system, session_id) if disturbed else None)
            await check(system, session_id, expected)
