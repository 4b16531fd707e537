"""Proof: the gateway and the recogniser do their part under their own users, and not with a right less."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.gateway_process import child
from support.kafka_server import KafkaServer
from support.paths import ROOT
from support.redis_server import SecuredRedis
from support.system import READY_S, STALL_MS, System

from affectstream.processes import Child, Children
from affectstream.producers.session_ids import SessionIds
from affectstream.runtime.process import free_port
from affectstream.runtime.settings import Settings, as_env
from affectstream.runtime.store import FusedStore
from affectstream.up import processes

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

SPOKEN = ROOT / "affectstream" / "demo_call" / "agent.flac"
SESSION_KEY = "a key of nobody"


def of_user(
    system: System, kafka_server: KafkaServer, secured: SecuredRedis, user: str, in_redis: str
) -> Settings:
    """The settings of a process of calls whose words are recognised, for a user of Kafka and one of Redis."""
    base = system.settings
    gateway = {"port": free_port(), "audiosocket_port": 0, "health_port": free_port(), "max_speed": 10}
    return base.model_copy(
        update={
            "kafka": kafka_server.secured(f"affect-{user}", base.kafka.topic_prefix),
            "redis": secured.settings(in_redis),
            "asr": base.asr.model_copy(update={"enabled": True}),
            "fusion": base.fusion.model_copy(update={"stall_ms": STALL_MS}),
            "gateway": type(base.gateway)(**gateway, session_key=SESSION_KEY),
        }
    )


def recogniser(settings: Settings) -> Child:
    """Return the process of the recogniser under ``settings``."""
    return next(each for each in processes(settings) if each.name == "asr")


def streamed(settings: Settings, call_id: str) -> subprocess.CompletedProcess[str]:
    """Stream a call to the gateway of ``settings``, in a process of its own."""
    simulate = ["simulate", "twilio", str(SPOKEN), "--call-id", call_id, "--speed", "8"]
    return subprocess.run(
        [sys.executable, "-c", "from affectstream.cli import main; main()", *simulate],
        env={**os.environ, **as_env(settings)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


async def test_a_streamed_call_and_its_words_go_through_and_nothing_is_refused(
    system: System, kafka_server: KafkaServer, secured: SecuredRedis, tmp_path: Path
) -> None:
    sender = of_user(system, kafka_server, secured, "producer", "producer")
    hearer = of_user(system, kafka_server, secured, "asr", "worker")
    await secured.refusals()
    with Children([child(sender), recogniser(hearer)], tmp_path) as started:
        started.wait_ready(READY_S)
        sent = await asyncio.to_thread(streamed, sender, "CAleast")
        assert sent.returncode == 0, sent.stdout + sent.stderr + started.last_words("gateway")
        session_id = SessionIds(SESSION_KEY).of("CAleast")
        async with FusedStore(system.settings.redis) as store:
            while not (kept := await store.finals(session_id, "customer")):
                system.children.check()
                started.check()
                await asyncio.sleep(0.2)
    assert {state.modality for window in kept for state in window.modalities} == {"audio", "text"}
    assert await secured.refusals() == []


async def test_a_gateway_that_may_not_write_chunks_ends_the_call(
    system: System, kafka_server: KafkaServer, secured: SecuredRedis, tmp_path: Path
) -> None:
    sender = of_user(system, kafka_server, secured, "text", "producer")
    with Children([child(sender)], tmp_path) as started:
        started.wait_ready(READY_S)
        sent = await asyncio.to_thread(streamed, sender, "CArefused")
        log = (tmp_path / "gateway.log").read_text()
    assert sent.returncode == 2 and "code 1011" in sent.stdout + sent.stderr
    assert "does not permit" in log


async def test_a_recogniser_outside_its_consumer_group_does_not_start(
    system: System, kafka_server: KafkaServer, secured: SecuredRedis, tmp_path: Path
) -> None:
    hearer = of_user(system, kafka_server, secured, "audio", "worker")
    process = recogniser(hearer)
    env = {**os.environ, **process.env}
    ended = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", process.module],
        env=env,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert ended.returncode != 0
    assert "does not permit" in ended.stdout + ended.stderr
