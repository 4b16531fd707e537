"""Long answers: the largest page of windows, and the summary of a call of more windows than are cached."""

import httpx
import pytest
from support.observations import final

from affectstream.runtime.embedded import EmbeddedRedis
from affectstream.runtime.settings import load
from affectstream.runtime.store import FusedStore
from affectstream.schemas.messages import ModalityState

pytestmark = pytest.mark.integration

WINDOWS = 12_000
START_MS = 1_700_000_000_000
P = (0.4, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1)


async def test_the_largest_page_and_the_summary_of_a_long_call_are_answered(running):
    state = ModalityState(
        modality="audio", state="present", p=P, weight=1.0, quality=0.9, count=1, model_id="test-model@1"
    )
    call = [
        final(START_MS + 1000 * (i + 1), P, session_id="long", modalities=(state,)) for i in range(WINDOWS)
    ]
    with EmbeddedRedis() as redis:
        async with FusedStore(load(redis={"url": redis.url}).redis) as store:
            await store.write(call)
        with running({"AFFECT_REDIS__URL": redis.url}) as (url, _):
            async with httpx.AsyncClient(base_url=url, timeout=60) as api:
                page = (await api.get("/api/sessions/long/customer/modalities?limit=10000")).json()
                rest = f"/api/sessions/long/customer/timeline?limit=10000&from={page['next_from']}"
                others = (await api.get(rest)).json()
                summary = (await api.get("/api/sessions/long/summary")).json()

            assert len(page["windows"]) == 10_000
            assert len(others["windows"]) == WINDOWS - 10_000
            assert summary["parties"][0]["end_ms"] == START_MS + 1000 * WINDOWS
