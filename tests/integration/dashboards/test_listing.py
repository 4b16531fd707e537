"""The list of sessions: search, order, pages, and what becomes of a call that ends, expires or is purged."""

from typing import Any

import httpx
import pytest
from redis.asyncio import Redis
from support.redis_panes import finals

from affectstream.analytics.alerts import alerts
from affectstream.analytics.rules import Rule
from affectstream.dashboards import roster
from affectstream.dashboards.api import create_app
from affectstream.runtime.settings import RedisSettings
from affectstream.runtime.store import FusedStore
from affectstream.schemas import keys
from affectstream.schemas.messages import ModalityState

pytestmark = pytest.mark.integration

RULE = Rule(name="happy", kind="above", emotions=("happy",), level=0.15, seconds=1)


class Api:
    """The application over a store, with a clock of its own."""

    def __init__(self, store: FusedStore, monkeypatch: pytest.MonkeyPatch) -> None:
        self.store, self.now_s = store, 0.0
        app = create_app(store)
        monkeypatch.setattr(app.state.roster, "_now_s", lambda: self.now_s)
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api")

    async def get(self, path: str, later_s: float = 2.0, **params: Any) -> Any:
        """Ask a little later."""
        self.now_s += later_s
        response = await self.http.get(path, params=params)
        assert response.status_code == 200, response.text
        return response.json()

    async def sessions(self, later_s: float = 2.0, **params: Any) -> list[str]:
        found = await self.get("/api/sessions", later_s, **params)
        return list(dict.fromkeys(row["session"] for row in found["sessions"]))


@pytest.fixture
async def api(redis: RedisSettings, monkeypatch: pytest.MonkeyPatch) -> Any:
    async with FusedStore(redis) as store:
        found = Api(store, monkeypatch)
        yield found
        await found.http.aclose()


async def test_sessions_are_found_by_id_party_and_state(api: Api):
    over = ModalityState(modality="audio", state="missing", stream="ended")
    last = finals(4000, sid="Beta-1")[0].model_copy(update={"modalities": (over,)})
    await api.store.write([*finals(1000, sid="alpha"), *finals(2000, sid="alpha-2", party="agent"), last])
    assert await api.sessions() == ["Beta-1", "alpha-2", "alpha"]
    assert await api.sessions(q="ALPHA") == ["alpha-2", "alpha"]
    assert await api.sessions(q="eta") == ["Beta-1"]
    assert await api.sessions(party="agent") == ["alpha-2"]
    assert await api.sessions(state="ended") == ["Beta-1"]
    assert await api.sessions(state="live", q="2") == ["alpha-2"]


async def test_pages_are_the_whole_list_in_either_order(api: Api):
    for n in range(25):
        await api.store.write(finals(1000 * (n % 7 + 1), sid=f"call-{n}"))
    await api.store.write_alerts(alerts([RULE], finals(1000, sid="call-11")))
    for sort in ("newest", "need"):
        whole = await api.sessions(sort=sort)
        assert len(whole) == 25
        paged, cursor = [], {}
        while True:
            page = await api.get("/api/sessions", sort=sort, limit=4, **cursor)
            paged += [row["session"] for row in page["sessions"]]
            if page["next_cursor"] is None:
                break
            cursor = {"cursor": page["next_cursor"]}
        assert paged == whole
    assert whole[0] == "call-11"


async def test_an_active_alert_is_on_the_row_until_it_ends(api: Api):
    windows = finals(1000, 2000)
    await api.store.write(windows)
    (begin,) = alerts([RULE], windows[:1])
    await api.store.write_alerts([begin])
    (row,) = (await api.get("/api/sessions"))["sessions"]
    assert (row["alerts"], row["alert"]) == (1, begin.text)
    calm = row["need"]
    await api.store.write_alerts([begin.model_copy(update={"edge": "end"})])
    (row,) = (await api.get("/api/sessions"))["sessions"]
    assert (row["alerts"], row["alert"]) == (0, None)
    assert row["need"] < calm


async def test_a_call_without_windows_for_a_minute_has_ended_and_one_that_goes_on_is_live_again(api: Api):
    await api.store.write(finals(1000, sid="s1"))
    assert await api.sessions(state="live") == ["s1"]
    assert await api.sessions(later_s=roster.IDLE_S + 1, state="live") == []
    (row,) = (await api.get("/api/sessions", state="ended"))["sessions"]
    assert row["need"] == 0
    await api.store.write(finals(12_000, sid="s1"))
    assert await api.sessions(state="live") == ["s1"]


async def test_purged_and_expired_sessions_leave_the_list_and_the_index(api: Api, redis: RedisSettings):
    await api.store.write([*finals(1000, sid="s1"), *finals(1000, sid="s2"), *finals(1000, sid="s3")])
    assert len(await api.sessions()) == 3
    await api.store.purge("s1")
    client = Redis.from_url(redis.url)
    await client.delete(keys.finals("s2", "customer"), keys.latest("s2", "customer"), keys.session("s2"))
    await api.sessions(later_s=roster.IDLE_S + 1)
    assert await api.sessions(later_s=roster.KEPT_S + 1) == ["s3"]
    assert await client.zrange(keys.SESSIONS, 0, -1) == [b"s3"]
    await client.aclose()


@pytest.mark.parametrize(
    "params", [{"cursor": "?"}, {"limit": 1001}, {"state": "asleep"}, {"sort": "size"}, {"q": "x" * 65}]
)
async def test_an_impossible_question_is_refused_with_its_name(api: Api, params: dict[str, Any]):
    response = await api.http.get("/api/sessions", params=params)
    assert response.status_code == 422
    assert next(iter(params)) in response.json()["detail"]
