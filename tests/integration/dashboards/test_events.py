"""Server-sent events over a real Redis: what clients get as a call goes on, and when they come back."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from support.redis_panes import finals, fused

from affectstream.analytics.alerts import alerts
from affectstream.analytics.label import Display
from affectstream.analytics.rules import Rule
from affectstream.dashboards.eventstream import resumed
from affectstream.dashboards.feed import Feed
from affectstream.dashboards.reader import Reader
from affectstream.dashboards.roster import Roster
from affectstream.runtime.settings import RedisSettings
from affectstream.runtime.store import FusedStore

pytestmark = pytest.mark.integration

RULE = Rule(name="happy", kind="above", emotions=("happy",), level=0.15, seconds=1)


class Client:
    """A client of a stream: what it has got, by name of the event."""

    def __init__(self, events: AsyncIterator[bytes]) -> None:
        self.events = events
        self.last_id: str | None = None
        self.got: list[tuple[str, Any]] = []

    async def read_until(self, name: str, count: int) -> list[Any]:
        """Read until so many events of a name have come since it connected; return their data."""
        async with asyncio.timeout(20):
            while len(self.named(name)) < count:
                self._take(await anext(self.events))
        return self.named(name)

    def named(self, name: str) -> list[Any]:
        return [data for event, data in self.got if event == name]

    def _take(self, chunk: bytes) -> None:
        fields = dict(line.split(": ", 1) for line in chunk.decode().splitlines() if ": " in line)
        self.last_id = fields.get("id", self.last_id)
        if "event" in fields:
            self.got.append((fields["event"], json.loads(fields["data"])))


class Api:
    """A feed over a store, and its clients."""

    def __init__(self, store: FusedStore) -> None:
        self.store = store
        self.reader = Reader(store, Display())
        self.roster = Roster(store, self.reader)
        self.feed = Feed(self.roster, self.reader, tick_s=0.01)
        self.clients: list[Client] = []

    async def watch(self, last_id: str | None = None, from_ms: int | None = None) -> Client:
        return self._client(self.feed.session("s1", resumed(last_id, from_ms)))

    async def list(self, last_id: str | None = None) -> Client:
        return self._client(self.feed.rows(last_id))

    def _client(self, events: AsyncIterator[bytes]) -> Client:
        self.clients.append(Client(events))
        return self.clients[-1]


@asynccontextmanager
async def serving(redis: RedisSettings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Api]:
    for module, name in (("roster", "FRESH_S"), ("roster", "INDEX_S")):
        monkeypatch.setattr(f"affectstream.dashboards.{module}.{name}", 0.0)
    async with FusedStore(redis) as store:
        api = Api(store)
        try:
            yield api
        finally:
            for client in api.clients:
                await client.events.aclose()
            await api.feed.aclose()


def ends(windows: list[Any]) -> list[int]:
    return [window["end_ms"] for window in windows]


async def test_windows_come_as_they_are_written_and_none_of_before(redis, monkeypatch):
    async with serving(redis, monkeypatch) as api:
        await api.store.write(finals(1000, 2000))
        client = await api.watch()
        await client.read_until("row", 1)
        await api.store.write([*finals(3000), fused(4000, "early")])
        (window,) = await client.read_until("window", 1)
        (early,) = await client.read_until("early", 1)
        assert (window["end_ms"], window["session"], window["party"]) == (3000, "s1", "customer")
        assert (early["end_ms"], early["pane"]) == (4000, "early")
        assert {"shown", "confidence", "conflict", "neutral"} <= window.keys()


# the client reads one event at a time and loses its connection after each one
async def test_a_client_that_comes_back_gets_every_final_and_alert_once(redis, monkeypatch):
    written = [*finals(*range(1000, 9000, 1000)), *finals(*range(2000, 7000, 1000), party="agent")]
    both = Rule(**(RULE.model_dump() | {"parties": ("customer", "agent")}))
    raised = alerts([both], written)
    assert raised
    async with serving(redis, monkeypatch) as api:
        await api.store.write(written[:3])
        windows, told, last_id = [], [], None
        pending = [written[3:5], written[5:8], written[8:]]
        while len(windows) < len(written) or len(told) < len(raised):
            client = await api.watch(last_id, from_ms=0)
            before = len(client.got)
            async with asyncio.timeout(20):
                while not {"window", "alert"} & {name for name, _ in client.got[before:]}:
                    client._take(await anext(client.events))
            await client.events.aclose()
            windows += [(w["party"], w["end_ms"]) for w in client.named("window")]
            told += [(a["alert_id"], a["edge"]) for a in client.named("alert")]
            last_id = client.last_id
            if pending:
                await api.store.write(pending.pop(0))
            if len(windows) == 4:
                await api.store.write_alerts(raised)
        assert sorted(windows) == sorted((w.party, w.end_ms) for w in written)
        assert sorted(told) == sorted((a.alert_id, a.edge) for a in raised)


async def test_a_client_far_behind_reads_the_rest_from_the_store(redis, monkeypatch):
    monkeypatch.setattr("affectstream.dashboards.tail.PAGE", 7)
    written = finals(*range(1000, 301_000, 1000))
    async with serving(redis, monkeypatch) as api:
        await api.store.write(written[:100])
        watching = await api.watch()
        await watching.read_until("row", 1)
        await api.store.write(written[100:])
        assert ends(await watching.read_until("window", 200)) == list(range(101_000, 301_000, 1000))
        late = await api.watch(from_ms=5000)
        assert ends(await late.read_until("window", 295)) == list(range(6000, 301_000, 1000))


async def test_another_run_resets_and_begins_with_its_first_window(redis, monkeypatch):
    async with serving(redis, monkeypatch) as api:
        await api.store.write(finals(1000, 2000, 3000))
        client = await api.watch(from_ms=0)
        await client.read_until("window", 3)
        await api.store.begin_runs([("s1", "again")])
        await api.store.write(finals(1000, 2000))
        await client.read_until("reset", 1)
        assert ends(await client.read_until("window", 5))[3:] == [1000, 2000]
        resumed = await api.watch(client.last_id)
        await api.store.write(finals(3000))
        assert ends(await resumed.read_until("window", 1)) == [3000]


async def test_the_stream_of_a_session_that_is_purged_ends(redis, monkeypatch):
    async with serving(redis, monkeypatch) as api:
        await api.store.write(finals(1000))
        client = await api.watch()
        await client.read_until("row", 1)
        await api.store.purge("s1")
        await client.read_until("gone", 1)
        with pytest.raises(StopAsyncIteration):
            await anext(client.events)


async def test_the_list_comes_whole_and_then_by_its_changes(redis, monkeypatch):
    async with serving(redis, monkeypatch) as api:
        await api.store.write([*finals(1000), *finals(1000, sid="s2"), *finals(1000, sid="s3")])
        client = await api.list()
        (whole,) = await client.read_until("rows", 1)
        assert {row["session"] for row in whole["sessions"]} == {"s1", "s2", "s3"}
        await api.store.write(finals(2000, sid="s2"))
        await api.store.purge("s3")
        await client.read_until("rows", 2)
        while len(client.named("rows")) < 3 and not client.named("rows")[-1]["gone"]:
            await client.read_until("rows", 3)
        changes = client.named("rows")[1:]
        assert [row["session"] for change in changes for row in change["sessions"]] == ["s2"]
        assert [sid for change in changes for sid in change["gone"]] == ["s3"]
        await api.store.write(finals(3000, sid="s1"))
        resumed = await api.list(client.last_id)
        (rows,) = await resumed.read_until("rows", 1)
        assert [row["session"] for row in rows["sessions"]] == ["s1"]


async def test_one_reader_serves_all_clients(redis, monkeypatch):
    asked = 0
    pipelined = FusedStore.pipelined

    async def counted(self: FusedStore, commands: Any) -> Any:
        nonlocal asked
        asked += 1
        return await pipelined(self, commands)

    async with serving(redis, monkeypatch) as api:
        await api.store.write(finals(1000))
        clients = [await api.watch(from_ms=0) for _ in range(30)] + [await api.list() for _ in range(30)]
        for client in clients:
            await client.read_until("row" if client.events.__name__ == "session" else "rows", 1)
        monkeypatch.setattr(FusedStore, "pipelined", counted)
        looks = api.feed._looks
        await api.store.write(finals(2000))
        await asyncio.gather(*(client.read_until("window", 2) for client in clients[:30]))
        assert asked <= 8 * (api.feed._looks - looks + 1)


def test_the_stream_over_http_says_what_it_is_and_ends_with_the_process(running: Any, redis_url: str):
    with (
        running({"AFFECT_REDIS__URL": redis_url}) as (url, process),
        httpx.stream("GET", f"{url}/api/events", timeout=20) as response,
    ):
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["cache-control"] == "no-store"
        data = next(line for line in response.iter_lines() if line.startswith("data: "))
        assert json.loads(data[6:])["sessions"]
        process.terminate()
        assert process.wait(timeout=20) == 0
