"""Proof: Redis killed, slow, full, read-only or away: finals arrive late, none is lost, none twice."""

import time
from collections.abc import Callable

import pytest
from redis import Redis
from support.faulty import SECONDS, SPEED, Faulty
from support.system import expected_lines, lines, short_demo

from affectstream.restore import restored

pytestmark = [pytest.mark.integration, pytest.mark.proof, pytest.mark.timeout(900)]

OUTAGE_S = 60


async def test_redis_is_killed_and_comes_back_with_its_file(faulty: Faulty):
    def fault() -> None:
        for _ in range(2):
            time.sleep(2)
            faulty.redis.kill()
            time.sleep(1)
            faulty.redis.start()

    await faulty.survive("redis-killed", fault)


async def test_redis_comes_back_empty_and_is_restored_from_the_topic(faulty: Faulty):
    def fault() -> None:
        time.sleep(5)
        faulty.redis.kill()
        faulty.redis.empty()
        faulty.redis.start()

    name = "redis-emptied"
    left = await faulty.system.run(short_demo(name, SECONDS), SPEED, fault)
    expected = expected_lines(name, SECONDS)
    assert set(lines(left)) < set(expected)
    assert lines(await faulty.published(name)) == expected
    windows, _ = await restored(faulty.system.settings, [name])
    assert windows == len(expected) - len(left)
    assert lines(await faulty.system.finals(name)) == expected
    await faulty.settled()


async def test_redis_is_down_for_a_minute(faulty: Faulty):
    def fault() -> None:
        time.sleep(2)
        faulty.redis.kill()
        time.sleep(OUTAGE_S)
        faulty.redis.start()

    await faulty.survive("redis-down", fault)


async def test_redis_is_slow_and_then_does_not_answer_for_a_while(faulty: Faulty):
    def fault() -> None:
        faulty.redis_proxy.delay_s = 0.3
        time.sleep(5)
        faulty.redis.pause()
        time.sleep(5)
        faulty.redis.resume()
        faulty.redis_proxy.delay_s = 0.0

    await faulty.survive("redis-slow", fault)


FULL = (
    lambda redis: (redis.config_set("maxmemory-policy", "noeviction"), redis.config_set("maxmemory", 1)),
    lambda redis: redis.config_set("maxmemory", 0),
)
READ_ONLY = (lambda redis: redis.replicaof("127.0.0.1", 1), lambda redis: redis.replicaof("NO", "ONE"))


@pytest.mark.parametrize(("begin", "end"), [FULL, READ_ONLY], ids=["full", "read-only"])
async def test_redis_refuses_to_write(
    faulty: Faulty,
    begin: Callable[["Redis[bytes]"], object],
    end: Callable[["Redis[bytes]"], object],
    request: pytest.FixtureRequest,
):
    def fault() -> None:
        with Redis(port=faulty.redis.port) as redis:
            time.sleep(2)
            begin(redis)
            time.sleep(10)
            end(redis)

    await faulty.survive(f"redis-{request.node.callspec.id}", fault)
