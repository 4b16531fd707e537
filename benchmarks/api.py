"""The JSON API: a call of six hours in buckets, a thousand sessions as a list, a stream and in moods."""

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import httpx

from affectstream.analytics.usual import shipped
from affectstream.runtime.embedded import EmbeddedRedis
from affectstream.runtime.process import die_with_parent, free_port
from affectstream.runtime.settings import load
from affectstream.runtime.store import FusedStore
from affectstream.schemas.codec import EncodedPane, encode
from affectstream.schemas.messages import MODALITIES, FusedEmotion, ModalityState, Party
from benchmarks.measure import Row, percentile

START_MS = 1_700_000_000_000
VOICE = next(iter(shipped()))  # a model whose usual voice is compared
P = (0.4, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1)
WINDOWS, SESSIONS = 6 * 3600, 1000
REQUESTS, ROUNDS = 100, 10
START_S = 60
AHEAD_S = 2

Timed = Callable[[], Awaitable[object]]


def rows(small: bool) -> Iterator[Row]:
    """Measure the API as a process over a Redis of its own."""
    yield from asyncio.run(_rows(WINDOWS // 20 if small else WINDOWS, SESSIONS // 20 if small else SESSIONS))


async def _rows(windows: int, sessions: int) -> list[Row]:
    with EmbeddedRedis() as redis:
        async with FusedStore(load(redis={"url": redis.url}).redis) as store, served(redis.url) as api:
            await store.writer.write([_pane("long", "customer", i) for i in range(windows)])
            found = await _buckets(api, windows)
            await store.writer.write(second(sessions, 0))
            found += [*await _listing(api, sessions), *await _updates(api, store, sessions)]
            found += await _moods(api, store, sessions)
        async with served(redis.url) as api:
            return [*found, *await _read_ahead(api, windows)]


async def _buckets(api: httpx.AsyncClient, windows: int) -> list[Row]:
    cold, *warm = [await _ms(lambda: _ask_for_buckets(api)) for _ in range(REQUESTS + 1)]
    what = f"API: a call of {windows / 3600:g} h in buckets"
    return [Row(f"{what}, first request", cold, "ms"), *_percentiles(what, warm)]


async def _read_ahead(api: httpx.AsyncClient, windows: int) -> list[Row]:
    """Measure the first request of all, made a while after the process has started."""
    await asyncio.sleep(AHEAD_S)
    took_ms = await _ms(lambda: _ask_for_buckets(api))
    what = f"API: a call of {windows / 3600:g} h in buckets, first request {AHEAD_S} s after the start"
    return [Row(what, took_ms, "ms")]


async def _ask_for_buckets(api: httpx.AsyncClient) -> None:
    (await api.get("/api/sessions/long/customer/buckets")).raise_for_status()


async def _listing(api: httpx.AsyncClient, sessions: int) -> list[Row]:
    async def ask() -> None:
        found = (await api.get("/api/sessions?limit=1000&sort=need")).raise_for_status().json()
        assert len(found["sessions"]) >= 2 * sessions - 2

    first, *later = [await _ms(ask) for _ in range(REQUESTS + 1)]
    what = f"API: a list of {sessions:,} sessions"
    return [Row(f"{what}, first request", first, "ms"), *_percentiles(what, later)]


async def _moods(api: httpx.AsyncClient, store: FusedStore, sessions: int) -> list[Row]:
    """Measure the moods of all calls, of which the route reads the parties with the newest windows.

    As one looks again at calls that stand still, and at calls of which each has another window by then.
    """

    async def ask() -> None:
        (await api.get("/api/panels/moods")).raise_for_status()

    first, *later = [await _ms(ask) for _ in range(REQUESTS + 1)]
    going_on = []
    for i in range(ROUNDS + 1, 2 * ROUNDS + 1):
        await store.writer.write(second(sessions, i))
        going_on.append(await _ms(ask))
    what = f"API: moods over time with {sessions:,} sessions"
    return [
        Row(f"{what}, first request", first, "ms"),
        *_percentiles(what, later),
        *_percentiles(f"{what}, a window of each since the last request", going_on),
    ]


async def _updates(api: httpx.AsyncClient, store: FusedStore, sessions: int) -> list[Row]:
    """Measure from the write of a window of every party to its row at a client of the list's stream."""
    waits: list[float] = []
    async with api.stream("GET", "/api/events") as response:
        lines = response.aiter_lines()
        for i in range(1, ROUNDS + 1):
            begun_s = time.perf_counter()
            await store.writer.write(second(sessions, i))
            newest = f'"end_ms":{START_MS + 1000 * (i + 1)}'
            async for line in lines:
                if line.startswith("data:") and newest in line and '"call-0"' in line:
                    break
            waits.append(1000 * (time.perf_counter() - begun_s))
    return _percentiles(f"API: a window of each of {sessions:,} sessions written, to its row", waits)


def _percentiles(what: str, values_ms: list[float]) -> list[Row]:
    return [Row(f"{what}, p{rank}", percentile(values_ms, rank / 100), "ms") for rank in (50, 99)]


async def _ms(work: Timed) -> float:
    begun_s = time.perf_counter()
    await work()
    return 1000 * (time.perf_counter() - begun_s)


def second(sessions: int, i: int, begun_ms: int = START_MS) -> list[EncodedPane]:
    """Return the i-th window of both parties of so many calls."""
    parties: tuple[Party, ...] = ("customer", "agent")
    return [_pane(f"call-{n}", party, i, begun_ms) for n in range(sessions) for party in parties]


def _pane(session: str, party: Party, i: int, begun_ms: int = START_MS) -> EncodedPane:
    start_ms = begun_ms + 1000 * i
    states = tuple(
        ModalityState(modality=m, state="present", p=P, weight=1 / 3, quality=0.9, count=1, model_id=VOICE)
        for m in MODALITIES
    )
    final = FusedEmotion(
        session_id=session,
        party=party,
        start_ms=start_ms,
        end_ms=start_ms + 1000,
        pane="final",
        p=P,
        label="neutral",
        confidence=0.4,
        uncertainty=0.8,
        disagreement=0.1,
        modalities=states,
        rule="bench",
    )
    return EncodedPane(session, party, start_ms, start_ms + 1000, "final", encode(final))


@contextlib.asynccontextmanager
async def served(redis_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """Run the API as a process until it answers."""
    port = free_port()
    env = {
        "AFFECT_REDIS__URL": redis_url,
        "AFFECT_API__PORT": str(port),
        "AFFECT_API__REQUESTS_PER_MINUTE": "none",
    }
    command = sys.executable, "-m", "affectstream.dashboards"
    process = await asyncio.create_subprocess_exec(
        *command, env=env, stderr=asyncio.subprocess.DEVNULL, preexec_fn=die_with_parent
    )
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            deadline_s = time.monotonic() + START_S
            while time.monotonic() < deadline_s and process.returncode is None:
                with contextlib.suppress(httpx.TransportError):
                    await client.get("/livez")
                    break
                await asyncio.sleep(0.05)
            yield client
    finally:
        process.terminate()
        await process.wait()
