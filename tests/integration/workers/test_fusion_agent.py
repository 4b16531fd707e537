"""The fusion process on a real broker and Redis, killed, fed garbage, stopped: the finals are the join's."""

import asyncio
import random
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.fusion_load import Record, records
from support.kafka_server import PASSWORD, USER, KafkaServer
from support.worker_process import fusing

from affectstream.runtime.embedded import EmbeddedBroker
from affectstream.runtime.kafka import Publisher, Subscriber, topics
from affectstream.runtime.kafka.lag import LagMeter
from affectstream.runtime.settings import KafkaSettings, RedisSettings, Settings, load
from affectstream.runtime.store import FusedStore
from affectstream.schemas.codec import decode, encode
from affectstream.schemas.messages import (
    FusedEmotion,
)
from affectstream.schemas.topics import DEAD_LETTERS, FUSED, PROBABILITIES
from affectstream.workers.fusion.offline import offline_join

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

DEADLINE_S = 240


def joined(settings: Settings, log: list[Record]) -> dict[str, list[bytes]]:
    """Return the finals of the pure join, per session."""
    join, finals = offline_join(settings.fusion), {}
    for _, record in log:
        for item in record.items:
            for output in join.push(item):
                if isinstance(output, FusedEmotion) and output.pane == "final":
                    finals.setdefault(output.session_id, []).append(encode(output))
    return finals


def files(folder: Path) -> list[Path]:
    return list(folder.iterdir())


async def stored(settings: Settings, sessions: dict[str, list[bytes]]) -> dict[str, list[bytes]]:
    async with FusedStore(settings.redis) as store:
        return {sid: [encode(f) for f in await store.finals(sid, "customer")] for sid in sessions}


async def until_stored(
    settings: Settings,
    expected: dict[str, list[bytes]],
    process: asyncio.subprocess.Process,
    windows: int | None = None,
) -> None:
    """Return when ``process`` has written the finals, or as many ``windows`` of them."""
    wanted = sum(map(len, expected.values())) if windows is None else windows
    async with asyncio.timeout(DEADLINE_S):
        while sum(map(len, (await stored(settings, expected)).values())) < wanted:
            assert process.returncode is None, "the fusion process has ended"
            await asyncio.sleep(0.1)  # all finals are read and decoded each time


async def send(settings: Settings, log: list[Record]) -> None:
    async with Publisher(settings.kafka) as publisher:
        acks = [await publisher.send(record, partition=partition) for partition, record in log]
        await asyncio.gather(*acks)


async def consumed(settings: Settings, topic: str, count: int, max_bytes: int) -> list:
    """Return the messages of ``topic`` once there are ``count``."""
    found: list = []
    async with Subscriber(settings.kafka, [topic], "reader") as reader, asyncio.timeout(DEADLINE_S):
        while len(found) < count:
            found += [decode(record.value, max_bytes) for record in await reader.get(1000, 200)]
    return found


async def committed_to_the_end(settings: Settings) -> None:
    async with LagMeter(settings.kafka) as meter, asyncio.timeout(DEADLINE_S):
        while any((await meter.lag(PROBABILITIES.name, "affect-fusion")).values()):
            await asyncio.sleep(0.05)


def with_name(settings: Settings) -> Settings:
    """Return settings under which a restarted process takes its partitions over at once."""
    kafka = {**settings.kafka.model_dump(), "instance_id": "fusion-0"}
    return load(kafka=kafka, redis=settings.redis.model_dump())


async def test_the_finals_in_redis_and_on_the_topic_are_those_of_the_join(broker_settings: Settings) -> None:
    log = records(random.Random(1), sessions=6, seconds=20)
    expected = joined(broker_settings, log)
    async with fusing(broker_settings) as process:
        await send(broker_settings, log)
        await until_stored(broker_settings, expected, process)
        assert await stored(broker_settings, expected) == expected
        fused = await consumed(broker_settings, FUSED.name, 120, FUSED.max_bytes)
        assert {encode(f) for f in fused} == {final for finals in expected.values() for final in finals}
        await committed_to_the_end(broker_settings)
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(30):
            assert await process.wait() == 0


async def test_killed_at_random_points_the_finals_are_those_of_an_undisturbed_run(
    broker_settings: Settings,
) -> None:
    settings = with_name(broker_settings)
    rng = random.Random(1)
    log = records(rng, sessions=4, seconds=30)
    expected = joined(settings, log)
    total = sum(map(len, expected.values()))
    cuts = sorted(rng.sample(range(1, len(log)), 3))
    for start, end in zip([0, *cuts], [*cuts, len(log)], strict=True):
        async with fusing(settings) as process:  # killed on leaving
            part = log[start:end]
            before = sum(map(len, (await stored(settings, expected)).values()))
            await send(settings, part)
            if end == len(log):
                await until_stored(settings, expected, process)
            else:
                reachable = _due(settings, log[:end])
                await until_stored(settings, expected, process, rng.randint(before, reachable))
    assert await stored(settings, expected) == expected
    fused = await consumed(settings, FUSED.name, total, FUSED.max_bytes)
    assert {encode(f) for f in fused} == {final for finals in expected.values() for final in finals}


def _due(settings: Settings, log: list[Record]) -> int:
    return sum(map(len, joined(settings, log).values()))


async def test_it_stops_on_a_signal_while_windows_are_open_and_leaves_no_file(
    broker_settings: Settings, tmp_path: Path
) -> None:
    log = records(random.Random(4), sessions=1, seconds=5)[:-1]
    expected = joined(broker_settings, log)
    async with fusing(broker_settings, tmp_path) as process:
        await send(broker_settings, log)
        await until_stored(broker_settings, expected, process)
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(30):
            assert await process.wait() == 0
    assert files(tmp_path) == []


async def test_partitions_move_between_processes_and_the_finals_stay_the_same(
    broker_settings: Settings,
) -> None:
    rng = random.Random(6)
    log = records(rng, sessions=6, seconds=20)
    expected = joined(broker_settings, log)
    third = len(log) // 3
    async with fusing(broker_settings) as first:
        await send(broker_settings, log[:third])
        await until_stored(broker_settings, expected, first, _due(broker_settings, log[:third]))
        async with fusing(broker_settings) as second:
            await send(broker_settings, log[third : 2 * third])
            await until_stored(broker_settings, expected, second, _due(broker_settings, log[: 2 * third]))
            first.send_signal(signal.SIGTERM)
            await send(broker_settings, log[2 * third :])
            await until_stored(broker_settings, expected, second)
            assert second.returncode is None
    assert await stored(broker_settings, expected) == expected


async def test_a_modality_that_never_comes_is_let_go_and_is_late_when_it_comes(
    broker_settings: Settings,
) -> None:
    kafka, redis = broker_settings.kafka.model_dump(), broker_settings.redis.model_dump()
    settings = load(kafka=kafka, redis=redis, fusion={"stall_ms": 1000})
    log = records(random.Random(7), sessions=1, seconds=5)
    words = [record for record in log if record[1].items[0].modality == "text"]
    expected = joined(settings, log)
    async with fusing(settings) as process:
        await send(settings, [record for record in log if record not in words])
        await until_stored(settings, expected, process)
        await send(settings, words[:1])
        (letter, *_) = await consumed(settings, DEAD_LETTERS.name, 1, DEAD_LETTERS.max_bytes)
    async with FusedStore(settings.redis) as store:
        finals = await store.finals("call-0", "customer")
    assert len(finals) == len(expected["call-0"])
    assert {m.state for final in finals for m in final.modalities if m.modality == "text"} == {"missing"}
    assert letter.reason == "late"


async def test_it_works_on_the_embedded_broker(embedded_settings: Settings) -> None:
    settings = embedded_settings
    log = records(random.Random(5), sessions=4, seconds=10)
    expected = joined(settings, log)
    async with fusing(settings) as process:
        await send(settings, log)
        await until_stored(settings, expected, process)
        assert await stored(settings, expected) == expected
        await committed_to_the_end(settings)


async def test_a_stall_is_seen_on_the_embedded_broker(embedded_settings: Settings) -> None:
    kafka, redis = embedded_settings.kafka.model_dump(), embedded_settings.redis.model_dump()
    settings = load(kafka=kafka, redis=redis, fusion={"stall_ms": 1000})
    log = [record for record in records(random.Random(8), 1, 5) if record[1].items[0].modality != "text"]
    async with fusing(settings) as process:
        await send(settings, log)
        await until_stored(settings, {"call-0": [b""] * 5}, process)


async def test_it_reads_over_tls_with_a_password(
    kafka: KafkaSettings, kafka_server: KafkaServer, redis: RedisSettings
) -> None:
    secure = {
        "bootstrap": kafka_server.secure_bootstrap,
        "topic_prefix": kafka.topic_prefix,
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_username": USER,
        "sasl_password": PASSWORD,
        "ssl_cafile": kafka_server.cafile,
    }
    settings = load(kafka=secure, redis={"url": redis.url})
    log = records(random.Random(9), sessions=1, seconds=5)
    expected = joined(settings, log)
    async with fusing(settings) as process:
        await send(settings, log)
        await until_stored(settings, expected, process)
        await committed_to_the_end(settings)


@pytest.fixture
async def embedded_settings(redis: RedisSettings) -> AsyncIterator[Settings]:
    with EmbeddedBroker() as broker:
        settings = load(kafka={"bootstrap": broker.bootstrap, "embedded": True}, redis={"url": redis.url})
        await topics.create(settings.kafka)
        yield settings
