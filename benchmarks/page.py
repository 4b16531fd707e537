"""The web page in a real browser: when a visitor first sees it, and a new window in its list of calls."""

import asyncio
import shutil
import statistics
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, Page, async_playwright

from affectstream.runtime.clocks import wall_ms
from affectstream.runtime.embedded import EmbeddedRedis
from affectstream.runtime.settings import load
from affectstream.runtime.store import FusedStore
from benchmarks.api import second, served
from benchmarks.measure import Row, percentile

SESSIONS, VISITS, WINDOWS = 200, 10, 20
SMALL = (10, 1, 2)
LAG_MS = 30_000  # how long ago the calls began
PAINTED = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0"
ROW = "document.querySelector('.ag-row')"
SHOWS = "time => [...document.querySelectorAll('.ag-row')].some(row => row.textContent.includes(time))"


def rows(small: bool) -> Iterator[Row]:
    """Measure the page of an API process over a Redis of its own."""
    yield from asyncio.run(_rows(*(SMALL if small else (SESSIONS, VISITS, WINDOWS))))


async def _rows(sessions: int, visits: int, windows: int) -> list[Row]:
    begun_ms = wall_ms() // 1000 * 1000 - LAG_MS
    with EmbeddedRedis() as redis:
        settings = load(redis={"url": redis.url}).redis
        async with FusedStore(settings) as store, served(redis.url) as api, _chromium() as browser:
            await store.writer.write(second(sessions, 0, begun_ms))
            seen = [await _visit(browser, str(api.base_url)) for _ in range(visits + 1)][1:]
            async with _visitor(browser, str(api.base_url)) as page:
                waits = [await _shown_ms(page, store, sessions, i, begun_ms) for i in range(1, windows + 1)]
    painted, listed = zip(*seen, strict=True)
    what = f"page with {sessions} sessions"
    return [
        Row(f"{what}, first paint", statistics.median(painted), "ms", (min(painted), max(painted))),
        Row(f"{what}, first row", statistics.median(listed), "ms", (min(listed), max(listed))),
        Row(f"{what}, a window of each written, to a row of the page, p50", percentile(waits, 0.5), "ms"),
        Row(f"{what}, the same, the slowest", max(waits), "ms"),
    ]


@asynccontextmanager
async def _chromium() -> AsyncIterator[Browser]:
    found = shutil.which("chromium")
    if found is None:
        raise RuntimeError("there is no chromium; `make system` installs it")
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield running
        await running.close()


@asynccontextmanager
async def _visitor(browser: Browser, url: str) -> AsyncIterator[Page]:
    """Open the list of calls as somebody who was never there, and wait for its first row."""
    context = await browser.new_context()
    page = await context.new_page()
    await page.goto(url)
    await page.wait_for_function(f"{ROW} !== null")
    yield page
    await context.close()


async def _visit(browser: Browser, url: str) -> tuple[float, float]:
    """Return after how many ms a visitor sees something, and the first row."""
    begun_s = time.perf_counter()
    async with _visitor(browser, url) as page:
        listed_ms = 1000 * (time.perf_counter() - begun_s)
        return float(await page.evaluate(PAINTED)), listed_ms


async def _shown_ms(page: Page, store: FusedStore, sessions: int, i: int, begun_ms: int) -> float:
    """Return how long after the write of a window of every party a row of the page shows its time."""
    panes = second(sessions, i, begun_ms)
    begun_s = time.perf_counter()
    await store.writer.write(panes)
    await page.wait_for_function(SHOWS, arg=f"0:{i + 1:02d}")
    return 1000 * (time.perf_counter() - begun_s)
