"""A gateway, an audio worker and the fusion on the session's Kafka and Redis."""

import asyncio
import json
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
from support.gateway_process import child
from support.kafka_server import KafkaServer
from support.system import READY_S, STALL_MS, System

from affectstream.processes import Children
from affectstream.runtime.embedded import EmbeddedRedis
from affectstream.runtime.kafka import topics
from affectstream.runtime.process import die_with_parent, free_port
from affectstream.runtime.settings import as_env, load
from affectstream.up import processes

AUTH_TOKEN = "an auth token of nobody"
TOKEN = "a secret of nobody"
API_KEY = "an api key of nobody"
CLIENT_SECRET = "YSBjbGllbnQgc2VjcmV0IG9mIG5vYm9keQ=="
MOST_CALLS = 3


@dataclass
class Gateway(System):
    """A system with a gateway before it."""

    def events(self, name: str) -> list[dict[str, Any]]:
        """Log lines of one event, as the gateway has written them so far."""
        log = (self.children.logs / "gateway.log").read_text(errors="replace").splitlines()
        found = [json.loads(line) for line in log if line.startswith("{")]
        return [line for line in found if line["event"] == name]

    async def event(self, name: str, count: int = 1, **fields: Any) -> dict[str, Any]:
        """Wait for the log line of an event with these fields."""
        deadline = time.monotonic() + 60
        while True:
            found = [line for line in self.events(name) if fields.items() <= line.items()]
            if len(found) >= count:
                return found[-1]
            assert time.monotonic() < deadline, self.complaint()
            await asyncio.sleep(0.1)

    async def simulate(self, *arguments: str) -> tuple[int, str]:
        """Run `affectstream simulate`; returns its exit code and what it printed."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            "from affectstream.cli import main; main()",
            "simulate",
            *arguments,
            env={**os.environ, **as_env(self.settings)},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            preexec_fn=die_with_parent,
        )
        printed, _ = await process.communicate()
        return process.returncode or 0, printed.decode()


@pytest.fixture(scope="package")
def gateway(
    kafka_server: KafkaServer, redis_server: EmbeddedRedis, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateway]:
    """One audio worker, the fusion, and a gateway that verifies signatures and tokens."""
    settings = load(
        kafka={"bootstrap": kafka_server.bootstrap, "topic_prefix": f"gateway{os.getpid()}."},
        redis={"url": f"{redis_server.url}/2"},
        policy={"agent_purpose": "synthetic"},
        fusion={"stall_ms": STALL_MS},
        log={"format": "json"},
        gateway={
            "port": free_port(),
            "audiosocket_port": free_port(),
            "audiosocket_party": "customer",
            "unnamed_party": None,
            "health_port": free_port(),
            "public_url": "wss://calls.example.com",
            "twilio_token": AUTH_TOKEN,
            "token": TOKEN,
            "session_key": "a key of nobody",
            "audiohook_key": API_KEY,
            "audiohook_secret": CLIENT_SECRET,
            "max_calls": MOST_CALLS,
            "max_speed": 1000,
        },
    )
    asyncio.run(topics.create(settings.kafka, replication=1))
    children = [child for child in processes(settings) if child.name in ("audio", "fusion")]
    children.append(child(settings))
    with Children(children, tmp_path_factory.mktemp("logs")) as running, ThreadPoolExecutor(1) as hand:
        running.wait_ready(READY_S)
        yield Gateway(settings, running, hand)
