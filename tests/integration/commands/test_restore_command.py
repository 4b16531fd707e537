"""Windows that Redis has lost come back from the topic, and what was deleted on purpose does not."""

import asyncio
from pathlib import Path

import pytest
from support.redis_panes import finals

from affectstream.restore import restored
from affectstream.runtime.audit import audit_log
from affectstream.runtime.consent_store import ConsentStore
from affectstream.runtime.kafka import Publisher
from affectstream.runtime.settings import KafkaSettings, RedisSettings, Settings, load
from affectstream.runtime.store import FusedStore
from affectstream.schemas.messages import FusedEmotion

pytestmark = pytest.mark.integration


@pytest.fixture
def settings(kafka: KafkaSettings, redis: RedisSettings, tmp_path: Path) -> Settings:
    """This test's topics and Redis, and an audit log of its own."""
    return load(
        kafka=kafka.model_dump(),
        redis={"url": redis.url},
        policy={"audit_log": str(tmp_path / "audit.jsonl")},
    )


async def publish(settings: Settings, windows: list[FusedEmotion], run: str = "") -> None:
    """Send finals as the fusion does."""
    async with Publisher(settings.kafka) as publisher:
        await asyncio.gather(*[await publisher.send(window, run=run) for window in windows])


async def kept(settings: Settings, session_id: str) -> list[FusedEmotion]:
    async with FusedStore(settings.redis) as store:
        return await store.finals(session_id, "customer")


async def test_what_is_missing_before_between_and_after_comes_back_once(settings: Settings):
    windows = finals(1000, 2000, 3000, 4000, 5000, sid="call")
    await publish(settings, [*windows, windows[3]])
    async with FusedStore(settings.redis) as store:
        await store.write([windows[1], windows[3]])
    assert await restored(settings) == (3, 1)
    assert await kept(settings, "call") == windows
    assert await restored(settings) == (0, 0)


async def test_an_empty_redis_lists_the_sessions_again_and_the_fusion_goes_on(settings: Settings):
    await publish(settings, finals(1000, 2000, sid="call"))
    async with FusedStore(settings.redis) as store:
        assert await restored(settings) == (2, 1)
        (session,) = await store.sessions()
        assert (session.session_id, session.last_end_ms) == ("call", 2000)
        assert (await store.latest("call", "customer")) == finals(2000, sid="call")[0]
        await store.write(finals(3000, sid="call"))
    assert await kept(settings, "call") == finals(1000, 2000, 3000, sid="call")


async def test_a_session_alone_is_restored_where_it_is_named(settings: Settings):
    await publish(settings, [*finals(1000, sid="this"), *finals(1000, sid="other")])
    assert await restored(settings, ["this"]) == (1, 1)
    assert await kept(settings, "other") == []


async def test_a_purged_session_stays_purged_and_one_sent_again_after_it_does_not(settings: Settings):
    await publish(settings, finals(1000, 2000, sid="call"))
    await asyncio.sleep(0.01)  # a purge at the very millisecond of arrival counts as after it
    audit_log(settings.policy).append("purge", "call")
    assert await restored(settings) == (0, 0)
    await asyncio.sleep(0.01)
    await publish(settings, finals(1000, sid="call"))
    assert await restored(settings) == (1, 1)
    assert await kept(settings, "call") == finals(1000, sid="call")


async def test_a_session_whose_consent_was_withdrawn_stays_away_though_redis_has_forgotten(
    settings: Settings,
):
    await publish(settings, finals(1000, sid="call"))
    async with ConsentStore(settings.redis, settings.policy) as store:
        await store.set("call", "withdrawn", "tests")
    async with FusedStore(settings.redis) as fused:
        await fused._redis.flushdb()
    assert await restored(settings) == (0, 0)


async def test_windows_of_a_run_that_was_replaced_stay_away(settings: Settings):
    await publish(settings, finals(1000, 2000, sid="call"), run="first")
    await publish(settings, finals(1000, sid="call"), run="second")
    async with FusedStore(settings.redis) as store:
        await store.begin_runs([("call", "second")])
    assert await restored(settings) == (1, 1)
    assert await kept(settings, "call") == finals(1000, sid="call")
