"""Webhooks from finals on a real Kafka to a receiver: signed, retried, and told after a kill too."""

import asyncio
import hashlib
import hmac
import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import SecretStr
from redis.asyncio import Redis
from support.alerts_process import fuse, worker
from support.session_lines import tenths

from affectstream.runtime.outbox import CLAIM_MS, GROUP
from affectstream.runtime.settings import Settings
from affectstream.schemas import keys
from affectstream.schemas.messages import ModalityState

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

DEADLINE_S = 120
SECRET = "a secret of nobody"
LINE = "11117777711111"  # of anger: it rises, and falls again
EVENTS = ["call.begun", "alert.begun", "alert.ended", "call.ended"]
RULES = """
[[rule]]
name = "angry"
kind = "above"
emotions = ["angry"]
level = 0.6
seconds = 3
"""


@dataclass
class Receiver:
    """What a call centre's own system is told; it refuses everything until it is opened."""

    open: bool = False
    refused: list[Any] = field(default_factory=list)
    taken: list[Any] = field(default_factory=list)

    async def told(self, request: web.Request) -> web.Response:
        body, stamp = await request.read(), request.headers["X-Affectstream-Timestamp"]
        expected = hmac.new(SECRET.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
        assert request.headers["X-Affectstream-Signature"] == f"sha256={expected}"
        assert abs(time.time() - int(stamp)) < DEADLINE_S
        event = json.loads(body)
        assert request.headers["X-Affectstream-Id"] == event["id"]
        (self.taken if self.open else self.refused).append(event)
        return web.Response(status=204 if self.open else 503)


async def until(true: Any, *processes: asyncio.subprocess.Process) -> None:
    """Wait until something is so, while the processes run."""
    deadline = time.monotonic() + DEADLINE_S
    while not true():
        assert time.monotonic() < deadline and all(each.returncode is None for each in processes)
        await asyncio.sleep(0.02)


async def let_the_claim_run_out(url: str) -> None:
    """Have what a process took lie as long as it takes until another one may deliver it."""
    async with Redis.from_url(url) as client:
        pending = await client.xpending_range(keys.WEBHOOKS, GROUP, "-", "+", 100)
        for entry in pending:
            ids, idle = [entry["message_id"]], CLAIM_MS + 1
            await client.xclaim(keys.WEBHOOKS, GROUP, entry["consumer"], 0, ids, idle=idle)
        assert pending


async def test_what_begins_and_ends_is_told_until_it_is_taken_whoever_is_killed(
    broker_settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "rules.toml").write_text(RULES)
    over = (ModalityState(modality="audio", state="missing", stream="ended"),)
    *windows, last = tenths(LINE)
    receiver, app = Receiver(), web.Application()
    app.router.add_post("/told", receiver.told)
    async with TestServer(app) as server:
        own = {"rules": tmp_path / "rules.toml", "webhook_url": str(server.make_url("/told"))}
        settings = hooked(broker_settings, own)
        async with worker(settings) as first:
            await fuse(settings, [*windows, last.model_copy(update={"modalities": over})])
            await until(lambda: len(receiver.refused) >= 2, first)
            first.kill()
            await first.wait()
        assert {event["type"] for event in receiver.refused} == {"call.begun"}  # later ones wait for it
        await let_the_claim_run_out(settings.redis.url)
        receiver.open = True
        async with worker(settings) as second:
            await until(lambda: {event["type"] for event in receiver.taken} == {*EVENTS}, second)
    assert list(dict.fromkeys(event["type"] for event in receiver.taken)) == EVENTS
    assert receiver.refused[0] in receiver.taken
    assert len({event["id"] for event in receiver.taken}) == len(EVENTS)  # told again, it has the same id
    assert all((event["session"], event["party"]) == ("call", "customer") for event in receiver.taken)
    raised = next(event for event in receiver.taken if event["type"] == "alert.begun")
    assert (raised["rule"], raised["value"] >= 0.6, bool(raised["text"])) == ("angry", True, True)


def hooked(settings: Settings, alerts: dict[str, Any]) -> Settings:
    """The settings with a receiver, and a broker that misses a killed process soon."""
    return settings.model_copy(
        update={
            "alerts": settings.alerts.model_copy(update=alerts | {"webhook_secret": SecretStr(SECRET)}),
            "kafka": settings.kafka.model_copy(update={"session_timeout_ms": 3000}),
        }
    )
