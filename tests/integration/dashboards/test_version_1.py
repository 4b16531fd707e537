"""Finals that version 1 stored, with fields that version 2 dropped, over the API and its displayed label."""

import json
from typing import Any

import httpx
import msgpack
import pytest
from redis.asyncio import Redis

from affectstream.analytics.label import Display
from affectstream.dashboards.api import create_app
from affectstream.runtime.embedded import EmbeddedRedis
from affectstream.runtime.settings import load
from affectstream.runtime.store import FusedStore
from affectstream.schemas import keys
from affectstream.schemas.labels import EMOTIONS

pytestmark = pytest.mark.integration

SAD = [0.05, 0.05, 0.45, 0.35, 0.04, 0.03, 0.03]


def stored(i: int, p: list[float]) -> dict[str, Any]:
    """The ``i``-th final of version 1: words held from an earlier window, a label displayed by fusion."""
    words = {
        "state": "held",
        "p": SAD,
        "age": 2000,
        "agree": 0.8,
        "trust": 0.4,
        "weight": 0.3,
        "quality": 1.0,
    }
    voice = {"state": "present", "p": p, "age": 0, "agree": 0.7, "trust": 0.6, "weight": 0.7, "quality": 0.9}
    return {
        "type": "fused",
        "sid": "old-call",
        "party": "customer",
        "start": 1000 * i,
        "end": 1000 * (i + 1),
        "pane": "final",
        "p": p,
        "label": EMOTIONS[p.index(max(p))],
        "confidence": 0.4,
        "uncertainty": 0.7,
        "disagreement": 0.1,
        "mods": [{"mod": "audio", "count": 2, "model": "v/1", **voice}, {"mod": "text", "count": 0, **words}],
        "rule": "log_pool/1a2b3c4d",
        "shown": "happy",
        "steady": "happy",
        "since": 0,
    }


async def test_finals_of_version_1_are_read_and_their_label_is_folded_again() -> None:
    angry = [SAD[i] for i in (0, 1, 3, 2, 4, 5, 6)]
    panes = [stored(i, p) for i, p in enumerate([SAD, angry, angry])]
    details = [json.dumps(panes[0]).encode(), *(msgpack.packb({"v": 1, **pane}) for pane in panes[1:])]
    with EmbeddedRedis() as redis:
        client = Redis.from_url(redis.url)
        for pane, detail in zip(panes, details, strict=True):
            await client.xadd(
                keys.finals("old-call", "customer"), {"detail": detail}, id=keys.stream_id(pane["end"])
            )
        await client.hset(keys.session("old-call"), "customer", json.dumps({"first": 1000, "last": 3000}))
        await client.aclose()
        async with FusedStore(load(redis={"url": redis.url}).redis) as store:
            app = create_app(store, display=Display(dwell_ms=2000))
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api") as api:
                timeline = (await api.get("/api/sessions/old-call/customer/timeline")).json()["windows"]
                modalities = (await api.get("/api/sessions/old-call/customer/modalities")).json()["windows"]
    assert [w["label"] for w in timeline] == ["sad", "angry", "angry"]
    assert [w["shown"] for w in timeline] == ["sad", "sad", "angry"]
    assert [(w["text_status"], w["text_sad"], w["text_weight"]) for w in modalities] == [
        ("present", 0.45, 0.3)
    ] * 3
