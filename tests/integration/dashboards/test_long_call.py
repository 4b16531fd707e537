"""Long answers: the largest page of windows, and the summary of a call of more windows than are cached."""

import asyncio
import time

import httpx
import pytest
from support.observations import final

from affectstream.dashboards import ahead
from affectstream.dashboards.api import create_app
from affectstream.runtime.embedded import EmbeddedRedis
from affectstream.runtime.settings import load
from affectstream.runtime.store import FusedStore
from affectstream.schemas.messages import FusedEmotion, ModalityState

pytestmark = pytest.mark.integration

WINDOWS = 12_000
START_MS = 1_700_000_000_000
P = (0.4, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1)


def long_call() -> list[FusedEmotion]:
    state = ModalityState(
        modality="audio", state="present", p=P, weight=1.0, quality=0.9, count=1, model_id="test-model@1"
    )
    return [
        final(START_MS + 1000 * (i + 1), P, session_id="long", modalities=(state,)) for i in range(WINDOWS)
    ]


async def test_the_largest_page_and_the_summary_of_a_long_call_are_answered(running):
    with EmbeddedRedis() as redis:
        async with FusedStore(load(redis={"url": redis.url}).redis) as store:
            await store.write(long_call())
        with running({"AFFECT_REDIS__URL": redis.url}) as (url, _):
            async with httpx.AsyncClient(base_url=url, timeout=60) as api:
                page = (await api.get("/api/sessions/long/customer/modalities?limit=10000")).json()
                rest = f"/api/sessions/long/customer/timeline?limit=10000&from={page['next_from']}"
                others = (await api.get(rest)).json()
                summary = (await api.get("/api/sessions/long/summary")).json()

            assert len(page["windows"]) == 10_000
            assert len(others["windows"]) == WINDOWS - 10_000
            assert summary["parties"][0]["end_ms"] == START_MS + 1000 * WINDOWS


class Counting(FusedStore):
    """A store that counts the finals that were read."""

    read = 0

    async def entries_of(self, parties, limit):
        found = await super().entries_of(parties, limit)
        self.read += sum(map(len, found))
        return found


async def test_a_long_call_is_read_before_anybody_asks_for_it(monkeypatch):
    monkeypatch.setattr(ahead, "REST_S", 0.0)
    with EmbeddedRedis() as redis:
        async with Counting(load(redis={"url": redis.url}).redis) as store:
            await store.write(long_call())
            app = create_app(store)
            reading = asyncio.create_task(ahead.read(app))
            deadline = time.monotonic() + 60
            while store.read < 2 * WINDOWS:  # once for its columns, once for the moods of all calls
                assert time.monotonic() < deadline and not reading.done()
                await asyncio.sleep(0.01)
            before = store.read
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://api") as api:
                found = (await api.get("/api/sessions/long/customer/buckets")).json()
                moods = (await api.get("/api/panels/moods")).json()
            reading.cancel()
    assert sum(bucket["windows"] for bucket in found["buckets"]) == WINDOWS
    assert (moods["behind"], moods["moods"][0]["neutral"]) == (0, 1.0)
    assert store.read - before <= 2  # the newest one is compared
