"""Consent on a real Kafka and Redis: nothing later is processed, whatever is restarted, and nothing leaks."""

import asyncio
import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from prometheus_client import generate_latest
from redis.asyncio import Redis
from support.observations import ended, observed
from support.worker_fakes import Words
from support.worker_process import fusing
from support.worker_topics import caught_up, read_all, working
from support.worker_topics import observed as published

from affectstream.producers.consent import guarded
from affectstream.producers.session import PartySource, SessionPlan, messages
from affectstream.runtime.consent_store import ConsentStore
from affectstream.runtime.kafka import Publisher
from affectstream.runtime.settings import Settings
from affectstream.runtime.store import FusedStore
from affectstream.schemas.errors import PolicyError
from affectstream.schemas.messages import Abstention, Observations, Transcript
from affectstream.schemas.topics import DEAD_LETTERS, TRANSCRIPTS

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

DEADLINE_S = 90
SECRETS = ("zebracorn", r"4111\W?1111", "5550199", "jane", r"(?<![\w.])1985\b")  # times hold any four digits
WORDS = """WEBVTT

00:00.500 --> 00:01.500
<v Customer>zebracorn says my card is 4111 1111 1111 1111

00:02.000 --> 00:03.000
<v Customer>call 020 5550199 or jane dot doe at example dot com, born 3 April 1985
"""


@dataclass
class Rig:
    settings: Settings
    publisher: Publisher
    store: FusedStore
    consents: ConsentStore

    async def send(self, session_id: str, first: int, last: int, end: bool = False) -> None:
        whose = {"expects": ("text",), "session_id": session_id}
        items = [
            observed("text", n, 1000 * n, 1000 * n + 1000, watermark_ms=1000 * n + 1000, **whose)
            for n in range(first, last)
        ]
        items += [ended("text", last, 1000 * last, **whose)] if end else []
        for item in items:
            await self.publisher.send_many([Observations(items=(item,))], partition=0)

    async def windows(self, session_id: str) -> int:
        return len(await self.store.finals(session_id, "customer"))

    async def until(self, session_id: str, windows: int) -> None:
        async with asyncio.timeout(DEADLINE_S):
            while await self.windows(session_id) < windows:
                await asyncio.sleep(0.05)


async def test_after_a_withdrawal_no_window_is_written_by_this_process_or_the_next(broker_settings):
    async with (
        FusedStore(broker_settings.redis) as store,
        Publisher(broker_settings.kafka) as publisher,
        ConsentStore(broker_settings.redis, broker_settings.policy) as consents,
    ):
        it = Rig(broker_settings, publisher, store, consents)
        async with fusing(broker_settings) as process:
            await it.send("gone", 0, 4)
            await it.until("gone", 3)  # the fourth is open: it is dropped
            written = await it.windows("gone")
            await consents.set("gone", "withdrawn", "ana")
            await it.send("fence", 0, 1, end=True)  # the change is known by the time this is read
            await it.until("fence", 1)
            await it.send("gone", 4, 9)
            await it.send("fence-2", 0, 3, end=True)
            await it.until("fence-2", 3)
            assert await it.windows("gone") == written
            process.kill()
            await process.wait()
        async with fusing(broker_settings):
            await it.send("gone", 9, 12, end=True)
            await it.send("fence-3", 0, 3, end=True)
            await it.until("fence-3", 3)
            assert await it.windows("gone") == written


async def test_consent_holds_in_producer_and_worker_and_no_words_or_numbers_are_in_redis_logs_or_metrics(
    broker_settings: Settings, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "call.vtt"
    path.write_text(WORDS)

    def call(session_id: str) -> list:
        return list(
            messages(SessionPlan(session_id, 1_700_000_000_000, (PartySource("customer", None, path),)))
        )

    redis, kafka = broker_settings.redis, broker_settings.kafka
    async with (
        ConsentStore(redis, broker_settings.policy) as consents,
        Publisher(kafka) as publisher,
        guarded(publisher.send, broker_settings) as send,
    ):
        await consents.set("gone", "withdrawn", "ana")
        await consents.pause("quiet", "ana")
        with pytest.raises(PolicyError, match="withdrawn"):
            await send(call("gone")[0])
        for session_id in ("open", "quiet"):
            await asyncio.gather(*[await send(message) for message in call(session_id)])
        await publisher.send_many(
            [m for m in call("gone") if isinstance(m, Transcript)]
        )  # by another producer
        async with fusing(broker_settings), working(broker_settings, Words()):
            await caught_up(broker_settings, "text")
            async with FusedStore(redis) as store:
                it = Rig(broker_settings, publisher, store, consents)
                await it.until("open", 3)
                await it.until("quiet", 3)
                quiet = await store.finals("quiet", "customer")
                assert await store.session("gone") is None
    assert {w.modalities[0].reason for w in quiet} == {"paused"}
    answers = [observation for _, observation in await published(kafka)]
    assert {a.reason for a in answers if isinstance(a, Abstention) and a.session_id == "gone"} == {
        "not_permitted"
    }
    sent = [m for _, m in await read_all(kafka, TRANSCRIPTS) if isinstance(m, Transcript)]
    assert not any(m.text for m in sent if m.session_id == "quiet")
    assert [m.text for m in sent if m.session_id == "open" and m.text] == [
        "zebracorn says my card is [card]",
        "call [phone] or [email], born [birth date]",
    ]
    assert await read_all(kafka, DEAD_LETTERS) == []
    places = {
        "redis": await dump(redis.url),
        "logs": "".join(capfd.readouterr()),
        "metrics": re.sub(r"(?m) \S+$", "", generate_latest().decode()),  # no values: any can be 1985
        "audit": broker_settings.policy.audit_log.read_text() if broker_settings.policy.audit_log else "",
    }
    found = [
        (secret, place) for place, text in places.items() for secret in SECRETS if re.search(secret, text)
    ]
    assert found == []


async def dump(url: str) -> str:
    """Everything that a Redis holds, as text."""
    client = Redis.from_url(url)
    parts = []
    async for key in client.scan_iter():
        kind = (await client.type(key)).decode()
        command = {
            "string": ("GET", key),
            "hash": ("HGETALL", key),
            "stream": ("XRANGE", key, "-", "+"),
            "list": ("LRANGE", key, 0, -1),
            "zset": ("ZRANGE", key, 0, -1),
        }[kind]
        parts.append(f"{key!r} {await client.execute_command(*command)!r}")
    await client.aclose()
    return "\n".join(parts)
