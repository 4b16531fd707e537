"""What `doctor` finds: a case for every row of the operations guide, on a real broker and a real Redis."""

import asyncio
import dataclasses
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from redis import Redis
from support.kafka_server import KafkaServer
from support.paths import ROOT
from support.worker_topics import send_raw

from affectstream.doctor import configuration, servers
from affectstream.doctor.finding import Finding, guarded
from affectstream.runtime.embedded import EmbeddedRedis
from affectstream.runtime.kafka import Subscriber, topics
from affectstream.runtime.kafka.state import GroupState, KafkaState, TopicState
from affectstream.runtime.redis_state import RedisState
from affectstream.runtime.settings import KafkaSettings
from affectstream.schemas.topics import FRAMES, FUSED, TRANSCRIPTS

pytestmark = pytest.mark.integration

GUIDE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
IN_SETTINGS = {
    "API": ({"API__HOST": "0.0.0.0"}, "bad", "set api.token"),
    "audit log": ({"POLICY__AUDIT_LOG": "/dev/null/audit.jsonl"}, "bad", "cannot be written to"),
    "redaction": ({"POLICY__REDACT": "false"}, "risk", "policy.redact=true"),
    "recordings": ({"POLICY__RECORDINGS": "/nowhere"}, "bad", "/nowhere"),
    "shadow": ({"TEXT__SHADOW": "true"}, "bad", "set text.model"),
    "fusion rule": ({"FUSION__RULE": "majority"}, "bad", "the rules are"),
    "alert rules": ({"ALERTS__RULES": "/nowhere.toml"}, "bad", "/nowhere.toml"),
    "settings": ({"REDIS__TTL": "5"}, "bad", "did you mean AFFECT_REDIS__TTL_S"),
}
GOOD = RedisState("noeviction", True, 100, 10, False, 3)
OF_REDIS: dict[str, tuple[Callable[[RedisState], str], RedisState, str]] = {
    "Redis memory": (servers._memory, dataclasses.replace(GOOD, used_bytes=95), "bad"),
    "Redis persistence": (servers._persistence, dataclasses.replace(GOOD, append_only=False), "risk"),
    "Redis cluster": (servers._cluster, dataclasses.replace(GOOD, cluster=True), "bad"),
    "clocks": (servers._clocks, dataclasses.replace(GOOD, ahead_ms=-900), "risk"),
}
THREE = KafkaState(3, [TopicState("affect.fused", 4, 3, 2, {})], [GroupState("affect-text", "t", 4, 0)])
OF_KAFKA: dict[str, tuple[Callable[[KafkaState], str], KafkaState, str]] = {
    "replication": (
        servers._replication,
        dataclasses.replace(THREE, topics=[TopicState("affect.fused", 4, 1, 1, {})]),
        "risk",
    ),
    "consumers": (
        servers._consumers,
        dataclasses.replace(THREE, groups=[GroupState("affect-text", "t", 5, 0)]),
        "risk",
    ),
}
ON_KAFKA = ("Kafka", "topics", "partitions", "topic settings", "consumers")  # tested one by one, below
ON_REDIS = ("Redis", "Redis memory")


def found(name: str, findings: Iterator[Finding]) -> Finding:
    by_name = {finding.name: finding for finding in findings}
    assert name in by_name, by_name
    return by_name[name]


def test_the_guide_names_what_is_tested_here() -> None:
    rows = set(re.findall(r"^\| `((?:settings|servers): [^`]+)` \|", GUIDE, re.MULTILINE))

    tested = {f"settings: {name}" for name in IN_SETTINGS}
    tested |= {f"servers: {name}" for name in {*OF_REDIS, *OF_KAFKA, *ON_KAFKA, *ON_REDIS}}
    assert rows == tested


@pytest.fixture
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """No settings but the defaults, and an audit log that can be written."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AFFECT_POLICY__AUDIT_LOG", str(tmp_path / "audit.jsonl"))
    monkeypatch.setenv("AFFECT_POLICY__AUDIT_KEY", "secret")
    return monkeypatch


def test_the_defaults_are_sound(clean: pytest.MonkeyPatch) -> None:
    assert {finding.name: finding.state for finding in configuration.examine()} == dict.fromkeys(
        IN_SETTINGS, "ok"
    )


@pytest.mark.parametrize("name", IN_SETTINGS)
def test_a_misconfiguration_in_settings_is_found(name: str, clean: pytest.MonkeyPatch) -> None:
    env, state, words = IN_SETTINGS[name]
    for key, value in env.items():
        clean.setenv(f"AFFECT_{key}", value)

    finding = found(name, configuration.examine())

    assert (finding.state, words in finding.detail) == (state, True), finding


@pytest.mark.parametrize("name", OF_REDIS)
def test_a_misconfiguration_of_redis_is_found(name: str) -> None:
    look, state, wanted = OF_REDIS[name]

    assert guarded("servers", name, lambda: look(state)).state == wanted
    assert guarded("servers", name, lambda: look(GOOD)).state == "ok"


@pytest.mark.parametrize("name", OF_KAFKA)
def test_a_misconfiguration_of_a_cluster_of_brokers_is_found(name: str) -> None:
    look, state, wanted = OF_KAFKA[name]

    assert guarded("servers", name, lambda: look(state)).state == wanted
    assert guarded("servers", name, lambda: look(THREE)).state == "ok"


def test_topics_that_nothing_can_be_written_to_while_a_broker_is_away_are_found() -> None:
    stuck = dataclasses.replace(THREE, topics=[TopicState("affect.fused", 4, 3, 3, {})])

    finding = guarded("servers", "replication", lambda: servers._replication(stuck))

    assert finding.state == "bad" and "min.insync.replicas" in finding.detail


def test_three_copies_of_which_one_is_enough_are_found() -> None:
    alone = dataclasses.replace(THREE, topics=[TopicState("affect.fused", 4, 3, 1, {})])

    finding = guarded("servers", "replication", lambda: servers._replication(alone))

    assert finding.state == "risk" and "sets it to 2" in finding.detail


def test_servers_that_are_away_are_named(clean: pytest.MonkeyPatch) -> None:
    clean.setenv("AFFECT_KAFKA__BOOTSTRAP", "127.0.0.1:9")
    clean.setenv("AFFECT_REDIS__URL", "redis://127.0.0.1:9")

    states = {finding.name: finding.state for finding in servers.examine()}

    assert states == {"Kafka": "absent", "topics": "absent", "Redis": "absent"}


@pytest.fixture
def broker(clean: pytest.MonkeyPatch, kafka_server: KafkaServer, topic_prefix: str) -> KafkaSettings:
    """The broker in the environment, under a prefix without topics."""
    clean.setenv("AFFECT_REDIS__URL", "redis://127.0.0.1:9")
    clean.setenv("AFFECT_KAFKA__BOOTSTRAP", kafka_server.bootstrap)
    clean.setenv("AFFECT_KAFKA__TOPIC_PREFIX", topic_prefix)
    return KafkaSettings(bootstrap=kafka_server.bootstrap, topic_prefix=topic_prefix)


def test_a_broker_without_topics_is_found_and_one_with_them_is_sound(broker: KafkaSettings) -> None:
    assert found("topics", servers.examine()).state == "absent"

    asyncio.run(topics.create(broker, replication=1))

    states = {finding.name: finding.state for finding in servers.examine() if finding.name != "Redis"}
    assert states == dict.fromkeys(("Kafka", "replication", *ON_KAFKA), "ok")


def test_topics_with_other_partitions_or_settings_are_found(broker: KafkaSettings) -> None:
    asyncio.run(_create(broker, {FRAMES.name: 3, FUSED.name: 4}))

    assert "affect.fused has 4" in found("partitions", servers.examine()).detail
    finding = found("topic settings", servers.examine())
    assert finding.state == "bad"
    assert "message.timestamp.type is CreateTime, not LogAppendTime" in finding.detail


async def _create(broker: KafkaSettings, partitions: dict[str, int]) -> None:
    """Make topics as something else than `topics create` would."""
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap)
    await admin.start()
    new = [NewTopic(broker.topic_prefix + name, count, 1) for name, count in partitions.items()]
    await admin.create_topics(new)
    await admin.close()


async def test_a_topic_that_nobody_reads_is_found_until_somebody_does(
    broker: KafkaSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(servers, "BACKLOG", 4)
    await topics.create(broker, replication=1)
    await send_raw(broker, [(TRANSCRIPTS.name, 0, b"x")] * 5)

    finding = await asyncio.to_thread(lambda: found("consumers", servers.examine()))
    assert finding.state == "bad" and "affect.text.transcripts (5 for affect-text)" in finding.detail

    async with Subscriber(broker, [TRANSCRIPTS.name], TRANSCRIPTS.group):
        finding = await asyncio.to_thread(lambda: found("consumers", servers.examine()))
    assert "affect-text: 1" in finding.detail


def test_a_redis_is_asked_what_it_is_set_to(clean: pytest.MonkeyPatch, redis_server: EmbeddedRedis) -> None:
    clean.setenv("AFFECT_KAFKA__BOOTSTRAP", "127.0.0.1:9")
    clean.setenv("AFFECT_REDIS__URL", redis_server.url)
    with Redis.from_url(redis_server.url) as client:
        before = client.config_get("maxmemory-policy")["maxmemory-policy"]
        client.config_set("maxmemory-policy", "allkeys-lru")
        client.acl_setuser(
            "limited", enabled=True, passwords=["+x"], categories=["+@read", "+@connection", "-@dangerous"]
        )
        try:
            assert "set it to noeviction" in found("Redis memory", servers.examine()).detail
            clean.setenv("AFFECT_REDIS__USERNAME", "limited")
            clean.setenv("AFFECT_REDIS__PASSWORD", "x")
            finding = found("Redis memory", servers.examine())
        finally:
            client.config_set("maxmemory-policy", before)
            client.acl_deluser("limited")
    assert finding.state == "absent" and "+info" in finding.detail
