"""Proof: by TLS, under the rules of `deploy/`, every process can do what it must, and no more."""

import asyncio
import dataclasses
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import NoPermissionError
from support.kafka_server import PROCESS_USERS, KafkaServer, acl_tool
from support.paths import ROOT
from support.redis_server import USERS, SecuredRedis, password
from support.system import System, expected_lines, lines, short_demo

from affectstream.doctor import servers
from affectstream.producers.runs import claimed, sending
from affectstream.restore import restored
from affectstream.runtime.consent_store import ConsentStore
from affectstream.runtime.feedback import FeedbackStore, Mark
from affectstream.runtime.handovers import Handovers
from affectstream.runtime.journal import Journal
from affectstream.runtime.kafka import Publisher, Subscriber, topics
from affectstream.runtime.recording import open_recording
from affectstream.runtime.settings import PolicySettings, RedisSettings, Settings, as_env
from affectstream.runtime.store import FusedStore
from affectstream.schemas import access, keys
from affectstream.schemas.errors import AffectError, Unavailable
from affectstream.schemas.messages import AudioChunk
from affectstream.schemas.topics import CHUNKS, DEAD_LETTERS, FRAMES
from affectstream.workers import recorder
from affectstream.workers.recorded import Scope

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]
SECONDS = 6
AsUser = Callable[[str], Settings]


@pytest.fixture
def as_user(system: System, kafka_server: KafkaServer, secured: SecuredRedis) -> AsUser:
    """The settings of the shared system for one of its users."""
    prefix = system.settings.kafka.topic_prefix

    def settings(user: str) -> Settings:
        own: dict[str, object] = {}
        if f"affect-{user}" in PROCESS_USERS:
            own["kafka"] = kafka_server.secured(f"affect-{user}", prefix)
        if user in USERS:
            own["redis"] = secured.settings(user)
        return system.settings.model_copy(update=own)

    return settings


async def test_a_call_goes_through_and_nothing_is_refused(
    system: System, as_user: AsUser, secured: SecuredRedis
) -> None:
    await secured.refusals()
    sender = dataclasses.replace(system, settings=as_user("producer"))
    assert await claimed(sender.settings.redis, "least", "one", "refuse") == "least"
    stream = [message.model_copy(update={"run": "one"}) for message in short_demo("least", SECONDS)]
    finals = await sender.run(stream, None)
    unnamed = [final.model_copy(update={"run": ""}) for final in finals]
    assert lines(unnamed) == expected_lines("least", SECONDS)
    system.children.check()
    assert await secured.refusals() == []


async def test_what_the_gateway_the_api_and_an_operator_do_in_redis_is_allowed(
    system: System, as_user: AsUser, secured: SecuredRedis, tmp_path: Path
) -> None:
    policy = PolicySettings(audit_log=tmp_path / "audit.jsonl")
    await system.run(short_demo("kept", SECONDS), None)
    await secured.refusals()
    await _as_producer(as_user("producer").redis, policy)
    await _as_api(as_user("api").redis, policy)
    await _as_operator(as_user("operator").redis, policy)
    operator = as_user("operator").model_copy(update={"policy": policy})
    assert (await restored(operator, ["kept"]))[0] > 0
    assert await secured.refusals() == []


async def _as_producer(redis: RedisSettings, policy: PolicySettings) -> None:
    async with (
        FusedStore(redis) as store,
        ConsentStore(redis, policy) as consents,
        sending(store, "live", "customer", "audio", "", "refuse"),
        Handovers(redis) as handovers,
        Journal(redis) as journal,
        Journal(redis) as another,
    ):
        assert await journal.write("call", "1")
        place = await another.find(["call"])
        assert place and await another.alive(place.owner) and await another.take(place) == "1"
        assert not await journal.write("call", "2") and await journal.dead() == {}
        await journal.forget("call")
        await journal.bury("nobody")
        assert await handovers.ask(["call"], 0.1) is None and await handovers.asked() == set()
        assert not await handovers.give("call", "{}", 0.1)
        await consents.set("live", "granted", "gateway")
        await store.newest_of([("kept", "customer")])


async def _as_api(redis: RedisSettings, policy: PolicySettings) -> None:
    async with (
        FusedStore(redis) as store,
        ConsentStore(redis, policy) as consents,
        FeedbackStore(redis, policy) as marks,
    ):
        assert [session.session_id for session in await store.sessions()].count("kept") == 1
        assert await store.entries("kept", "customer", None, 5) and await store.alerts("kept") is not None
        assert await store.latest("kept", "customer") and await store.runs_of(["kept"])
        for step in (consents.pause, consents.resume):
            await step("kept", "somebody")
        mark = Mark(party="customer", end_ms=1000, right=True, label="happy", by="somebody")
        await marks.add("kept", mark)
        assert await marks.marks("kept") == [mark]


async def _as_operator(redis: RedisSettings, policy: PolicySettings) -> None:
    async with FusedStore(redis) as store, FeedbackStore(redis, policy) as marks:
        await store.set_trust({"video": 0.5}, "operator")
        await store.set_trust({"video": None}, "operator")
        assert await marks.sessions() == ["kept"]
        assert await store.purge("kept") > 0


async def test_a_recorder_records_as_its_own_user_and_nothing_is_refused(
    system: System, as_user: AsUser, secured: SecuredRedis, tmp_path: Path
) -> None:
    await secured.refusals()
    policy = PolicySettings(recordings=tmp_path / "kept", audit_log=tmp_path / "audit.jsonl")
    own = as_user("record").model_copy(update={"policy": policy})
    await system.run(short_demo("recorded", SECONDS), None)
    scope = Scope(sessions=frozenset({"recorded"}))
    await recorder.serve(own, scope, asyncio.Event(), idle_s=5.0)
    assert open_recording(tmp_path / "kept" / "recorded.mcap").finals()
    assert await secured.refusals() == []


FINALS, STRANGE = keys.finals("least", "customer"), "another-application"
FOREIGN: dict[str, list[tuple[str, ...]]] = {
    "worker": [("HGETALL", keys.session("least")), ("SET", keys.consent("least"), "{}")],
    "record": [("HGETALL", keys.session("least")), ("SET", keys.consent("least"), "{}")],
    "fusion": [("SET", keys.consent("least"), "{}"), ("XREAD", "STREAMS", keys.WEBHOOKS, "0")],
    "alerts": [("XADD", FINALS, "*", "detail", ""), ("GET", keys.consent("least"))],
    "producer": [("XADD", FINALS, "*", "detail", ""), ("HGETALL", keys.alerts("least"))],
    "api": [("XADD", FINALS, "*", "detail", ""), ("DEL", FINALS), ("HSET", keys.TRUST, "video", "1")],
    "operator": [("GET", STRANGE), ("SET", STRANGE, "1")],
}
NOBODYS = [("FLUSHALL",), ("KEYS", "*"), ("CONFIG", "GET", "*"), ("EVAL", "return 1", "0"), ("SHUTDOWN",)]


async def test_redis_refuses_what_a_process_has_no_need_of(secured: SecuredRedis) -> None:
    for user, commands in FOREIGN.items():
        async with Redis.from_url(
            f"rediss://127.0.0.1:{secured.port}/0",
            username=f"affect-{user}",
            password=password(user),
            ssl_ca_certs=str(secured.ca_file),
        ) as client:
            for command in [*commands, *NOBODYS]:
                with pytest.raises(NoPermissionError):
                    await client.execute_command(*command)


async def test_kafka_refuses_to_read_or_write_the_topics_of_others(as_user: AsUser) -> None:
    chunk = next(m for m in short_demo("foreign", SECONDS) if isinstance(m, AudioChunk))
    async with Publisher(as_user("text").kafka) as publisher:
        with pytest.raises(Unavailable, match="does not permit"):
            await (await publisher.send(chunk))
    for user, topic, group in (
        ("text", FRAMES.name, "affect-text"),
        ("producer", CHUNKS.name, "affect-audio"),
        ("video", FRAMES.name, "affect-audio"),
        ("alerts", DEAD_LETTERS.name, "affect-alerts"),
    ):
        with pytest.raises(AffectError, match="does not permit"):
            async with Subscriber(as_user(user).kafka, [topic], group) as subscriber:
                await subscriber.get(1, 2000)
    strange = as_user("operator").kafka.model_copy(update={"topic_prefix": "strange."})
    with pytest.raises(AffectError, match="TopicAuthorizationFailed"):
        await topics.create(strange)
    with pytest.raises(AffectError, match="does not permit"):
        await topics.allow(as_user("operator").kafka, access.rules()[:1])


LISTED = re.compile(r"principal=(\S+), host=\*, operation=(\w+), permissionType=ALLOW\)")
HEADED = re.compile(r"resourceType=(\w+), name=(\S+), patternType=LITERAL")


@pytest.mark.proof
def test_the_script_in_deploy_adds_the_rules_with_kafkas_own_tool(
    kafka_server: KafkaServer, tmp_path: Path
) -> None:
    """What is shipped, run as it is; the broker says afterwards which rules it has."""
    tool, server = acl_tool(tmp_path), ["--bootstrap-server", kafka_server.bootstrap]
    script = [str(ROOT / "deploy" / "kafka-acls.sh"), *server]
    done = subprocess.run(script, env=os.environ | {"KAFKA_ACLS": str(tool)}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    listed = subprocess.run([tool, *server, "--list"], capture_output=True, text=True, check=True)
    assert _listed(listed.stdout) >= set(access.rules())
    assert {rule for rule in _listed(listed.stdout) if rule.name.startswith("affect")} == set(access.rules())


def _listed(text: str) -> set[access.Rule]:
    """The rules that Kafka's tool lists."""
    found, (resource, name) = set(), ("", "")
    for line in text.splitlines():
        if head := HEADED.search(line):
            resource, name = head[1].lower(), head[2]
        elif each := LISTED.search(line):
            user, operation = each[1].removeprefix("User:"), each[2].lower()
            found.add(access.Rule(user, resource, name, operation))  # type: ignore[arg-type]  # of the tool
    return found


def test_doctor_sees_all_it_asks_for_as_the_operator(
    as_user: AsUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in as_env(as_user("operator")).items():
        if name.startswith(("AFFECT_KAFKA", "AFFECT_REDIS")):
            monkeypatch.setenv(name, value)
    findings = {finding.name: finding for finding in servers.examine()}
    assert {"Kafka", "topics", "topic settings", "consumers", "Redis", "Redis memory"} <= set(findings)
    assert [found for found in findings.values() if "permit" in found.detail or found.state == "absent"] == []


async def test_no_secret_of_a_process_is_in_its_log(system: System) -> None:
    words = {password(user) for user in USERS} | set(PROCESS_USERS.values())
    for name in system.children.children:
        log = (system.children.logs / f"{name}.log").read_text(errors="replace")
        assert not [word for word in words if word in log], name
