"""Alerts on a real Kafka and a real Redis: killed, or in two processes, they are those of the fold."""

import asyncio
import random
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import pytest
from support.alerts_process import fuse, worker
from support.session_lines import states, window

from affectstream.analytics.alerts import alerts, in_order
from affectstream.analytics.rules import read
from affectstream.runtime.alerts import canonical
from affectstream.runtime.embedded import EmbeddedBroker
from affectstream.runtime.kafka import Subscriber, topics
from affectstream.runtime.settings import KafkaSettings, Settings
from affectstream.runtime.store import FusedStore
from affectstream.schemas.alert import Alert
from affectstream.schemas.codec import encode
from affectstream.schemas.messages import FusedEmotion
from affectstream.schemas.topics import ALERTS

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

DEADLINE_S = 120
SESSIONS, SECONDS = 6, 150
RULES = """
[[rule]]
name = "angry"
kind = "above"
emotions = ["angry", "disgust"]
level = 0.4
seconds = 3
parties = ["customer", "agent"]

[[rule]]
name = "rising"
kind = "rise"
emotions = ["sad"]
level = 0.1
hysteresis = 0.05
seconds = 3
parties = ["customer", "agent"]

[[rule]]
name = "mixed"
kind = "disagreement"
level = 0.4
seconds = 2
cooldown_s = 3
"""


def calls(seed: int) -> list[FusedEmotion]:
    """Finals of several calls with two parties each, in the order in which fusion would publish them."""
    rng, out, at = random.Random(seed), [], defaultdict(lambda: [0.3] * 8)
    for second in range(SECONDS):
        for number in range(SESSIONS):
            for party in ("customer", "agent"):
                out.append(walked(rng, at[number, party], second).model_copy(
                    update={"session_id": f"call-{number}", "party": party}
                ))  # fmt: skip
    return out


def walked(rng: random.Random, levels: list[float], second: int) -> FusedEmotion:
    """The next second of a party whose feelings wander; sometimes there is nothing to read."""
    for i, level in enumerate(levels):
        levels[i] = min(1.0, max(0.01, level + rng.uniform(-0.25, 0.25)))
    p = tuple(round(level / sum(levels[:7]), 6) for level in levels[:7])
    heard = states(audio="angry", text="neutral") if rng.random() < 0.8 else states(audio="angry")
    return window(
        second, p if rng.random() < 0.9 else None, disagreement=round(levels[7], 6), modalities=heard
    )


@pytest.fixture
def ruled(broker_settings: Settings, tmp_path: Path) -> Settings:
    """The settings with rules that all fire often."""
    (tmp_path / "rules.toml").write_text(RULES)
    own = broker_settings.alerts.model_copy(update={"rules": tmp_path / "rules.toml"})
    kafka = broker_settings.kafka.model_copy(update={"session_timeout_ms": 3000})
    return broker_settings.model_copy(update={"alerts": own, "kafka": kafka})


async def stored(settings: Settings) -> dict[str, list[str]]:
    """The alerts in Redis, by session, as the bytes that lie there."""
    async with FusedStore(settings.redis) as store:
        found = [await store.alerts(f"call-{n}") for n in range(SESSIONS)]
    return {f"call-{n}": [canonical(a) for a in in_order(alerts)] for n, alerts in enumerate(found)}


async def until_stored(settings: Settings, count: int, *processes: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while sum(map(len, (await stored(settings)).values())) < count:
            assert all(process.returncode is None for process in processes), "a worker has ended"
            await asyncio.sleep(0.05)


async def published(settings: Settings, count: int) -> dict[str, list[bytes]]:
    """The alerts on the topic by session in their order, until there are so many different ones."""
    seen: dict[str, list[bytes]] = defaultdict(list)
    async with (
        asyncio.timeout(DEADLINE_S),
        Subscriber(settings.kafka, [ALERTS.name], "readers") as subscriber,
    ):
        while len({value for values in seen.values() for value in values}) < count:
            for record in await subscriber.get(500, 200):
                assert record.key is not None
                seen[record.key.decode()].append(record.value)
    return dict(seen)


def by_session(found: Sequence[Alert]) -> dict[str, list[Alert]]:
    out: dict[str, list[Alert]] = {f"call-{n}": [] for n in range(SESSIONS)}
    for alert in found:
        out[alert.session_id].append(alert)
    return out


async def compare(settings: Settings, windows: Sequence[FusedEmotion]) -> None:
    """Redis and the topic hold the fold's alerts, byte for byte, and nothing else."""
    expected = by_session(alerts(read(settings.alerts.rules), windows))
    assert all(len(its) >= 5 for its in expected.values())
    assert {rule for its in expected.values() for rule in {a.rule for a in its}} == {
        "angry",
        "rising",
        "mixed",
    }
    assert await stored(settings) == {s: [canonical(a) for a in its] for s, its in expected.items()}
    told = await published(settings, sum(map(len, expected.values())))
    first = {session: list(dict.fromkeys(values)) for session, values in told.items()}
    assert {s: sorted(its) for s, its in first.items()} == {
        s: sorted(map(encode, its)) for s, its in expected.items()
    }


@pytest.mark.proof
async def test_two_killed_runs_and_two_workers_publish_the_alerts_of_the_fold(ruled: Settings) -> None:
    windows = calls(seed=1)
    total = len(alerts(read(ruled.alerts.rules), windows))
    third = len(windows) // 3
    async with worker(ruled) as first:
        await asyncio.gather(fuse(ruled, windows[:third]), until_stored(ruled, total // 6, first))
        first.kill()
        await first.wait()
    async with worker(ruled) as again:
        await asyncio.gather(fuse(ruled, windows[third:]), until_stored(ruled, total // 2, again))
        again.kill()
        await again.wait()
    async with worker(ruled) as one, worker(ruled) as other:
        await until_stored(ruled, total, one, other)
    await compare(ruled, windows)


async def test_after_a_stop_no_alert_is_published_twice(ruled: Settings) -> None:
    windows = calls(seed=2)
    total = len(alerts(read(ruled.alerts.rules), windows))
    half = len(windows) // 2
    async with worker(ruled) as process:
        await asyncio.gather(fuse(ruled, windows[:half]), until_stored(ruled, total // 4, process))
        process.terminate()
        assert await process.wait() == 0
    async with worker(ruled) as process:
        await asyncio.gather(fuse(ruled, windows[half:]), until_stored(ruled, total, process))
    await compare(ruled, windows)
    told = await published(ruled, total)
    assert sum(map(len, told.values())) == total


async def test_the_worker_runs_on_the_embedded_broker(ruled: Settings) -> None:
    windows = calls(seed=4)
    total = len(alerts(read(ruled.alerts.rules), windows))
    with EmbeddedBroker() as broker:
        kafka = KafkaSettings(bootstrap=broker.bootstrap, embedded=True)
        here = ruled.model_copy(update={"kafka": kafka})
        await topics.create(kafka)
        async with worker(here) as process:
            await asyncio.gather(fuse(here, windows), until_stored(here, total, process))
        await compare(here, windows)


async def test_a_purge_deletes_the_alerts(ruled: Settings) -> None:
    windows = calls(seed=3)
    found = alerts(read(ruled.alerts.rules), windows)
    async with FusedStore(ruled.redis) as store:
        await store.write(windows)
        await store.write_alerts(found)
        await store.write_alerts(found[:5])
        assert in_order(await store.alerts("call-0")) == by_session(found)["call-0"]
        await store.purge("call-0")
        assert await store.alerts("call-0") == []
        assert await store.alerts("call-1")
