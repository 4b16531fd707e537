"""Proof: with every rule the finals in Redis are those of `analyze`, killed midway and fed garbage or not."""

import asyncio
from collections.abc import Iterable
from itertools import chain
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from support.fusion_fitted import example, written
from support.kafka_server import KafkaServer
from support.paths import DATA
from support.system import STALL_MS, START_MS, lines, short_demo, without_holes
from support.worker_process import fusing

from affectstream import analyze
from affectstream.export import in_order
from affectstream.models.fusion.rules import rules
from affectstream.producers.plan import PartySource, SessionPlan
from affectstream.producers.session import messages
from affectstream.runtime.embedded import EmbeddedRedis
from affectstream.runtime.kafka import topics
from affectstream.runtime.settings import Settings, load
from affectstream.runtime.store import FusedStore
from affectstream.schemas.codec import encode
from affectstream.schemas.messages import FusedEmotion, Observation, Observations
from affectstream.schemas.topics import PROBABILITIES

CLIP = DATA / "mead" / "M030_level_3_angry_016.mp4"
SECONDS = 20
PER_RECORD = 8
DEADLINE_S = 120
SHORT = ("entropy_trust", "cross_attention")  # without the proofs: a pool and a network
GARBAGE = (b"", b"\xc1 not MessagePack", b"\x00" * (PROBABILITIES.max_bytes + 1))

Stream = list[Observation]

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def recorded() -> list[Stream]:
    """What the models say of the demo call and, where it is there, of a real talking face; said once."""
    settings = load(fusion={"embeddings": True}).permitting("synthetic")
    streams = [[*chain.from_iterable(analyze.observed(short_demo("demo", SECONDS), settings))]]
    if CLIP.is_file():
        clip = SessionPlan("clip", START_MS, (PartySource("customer", CLIP),))
        streams.append([*chain.from_iterable(analyze.observed(messages(clip), settings))])
    return streams


@pytest.fixture
async def ruled(
    kafka_server: KafkaServer, redis_server: EmbeddedRedis, topic_prefix: str, tmp_path: Path, rule: str
) -> Settings:
    """A system's settings with the rule, on topics of its own."""
    kafka = {
        "bootstrap": kafka_server.bootstrap,
        "topic_prefix": topic_prefix,
        "instance_id": "fusion-0",  # a restarted process takes over at once
    }
    fusion = {"rule": rule, "fitted": written(tmp_path), "stall_ms": STALL_MS, "embeddings": True}
    settings = load(kafka=kafka, redis={"url": redis_server.url}, fusion=fusion)
    await topics.create(settings.kafka, replication=1)
    return settings


def renamed(stream: Stream, rule: str) -> Stream:
    """The same observations of a session that no other rule has."""
    name = f"{stream[0].session_id}-{rule}".replace("_", "-")
    return [item.model_copy(update={"session_id": name}) for item in stream]


def analysed(stream: Stream, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> list[FusedEmotion]:
    """What `analyze` says where the models say what was recorded."""
    monkeypatch.setattr(analyze, "observed", lambda *_: iter([stream]))
    return in_order(analyze.finals([], settings))


async def publish(settings: Settings, streams: Iterable[Stream]) -> None:
    """Put each stream onto a partition of its own, with garbage after every record."""
    kafka = settings.kafka
    producer = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap, max_request_size=4_000_000)
    await producer.start()
    topic, strewn = kafka.topic_prefix + PROBABILITIES.name, 0
    for partition, stream in enumerate(streams):
        for start in range(0, len(stream), PER_RECORD):
            record = encode(Observations(items=tuple(stream[start : start + PER_RECORD])))
            for value in (record, GARBAGE[strewn % len(GARBAGE)]):
                await producer.send(topic, value, partition=partition)
            strewn += 1
    await producer.stop()


async def stored(settings: Settings, sessions: Iterable[str]) -> dict[str, list[FusedEmotion]]:
    """Everything final that Redis holds of the sessions."""
    found: dict[str, list[FusedEmotion]] = {}
    async with FusedStore(settings.redis) as store:
        for name in sessions:
            session = await store.session(name)
            parties = session.parties if session else ()
            found[name] = [w for party in parties for w in await store.finals(name, party)]
    return found


async def until(
    settings: Settings, sessions: Iterable[str], windows: int, process: asyncio.subprocess.Process
) -> dict[str, list[FusedEmotion]]:
    """The finals of the sessions, once there are so many."""
    names_of_them = list(sessions)
    async with asyncio.timeout(DEADLINE_S):
        while sum(map(len, (found := await stored(settings, names_of_them)).values())) < windows:
            assert process.returncode is None, "the fusion process has ended"
            await asyncio.sleep(0.1)
    return found


@pytest.mark.parametrize(
    "rule",
    [name if name in SHORT else pytest.param(name, marks=pytest.mark.proof) for name in rules(example())],
)
async def test_killed_midway_and_fed_garbage_the_finals_are_those_of_analyze(
    rule: str, ruled: Settings, recorded: list[Stream], monkeypatch: pytest.MonkeyPatch
) -> None:
    streams = [renamed(stream, rule) for stream in recorded]
    expected = {s[0].session_id: analysed(s, ruled, monkeypatch) for s in streams}
    total = sum(map(len, expected.values()))
    halves = [len(stream) // 2 for stream in streams]
    async with fusing(ruled) as process:
        await publish(ruled, [s[:half] for s, half in zip(streams, halves, strict=True)])
        before = await until(ruled, expected, total // 4, process)
    assert sum(map(len, before.values())) < total, "it was killed too late"
    async with fusing(ruled) as process:
        await publish(ruled, [s[half:] for s, half in zip(streams, halves, strict=True)])
        found = await until(ruled, expected, total, process)
    for name, windows in found.items():
        assert lines(windows) == lines(expected[name]), name
        assert without_holes(windows)
        assert {w.rule.partition("/")[0] for w in windows} == {rule}
        assert any(w.p is not None for w in windows)
