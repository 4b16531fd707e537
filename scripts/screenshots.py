#!/usr/bin/env python3
"""Take the README's pictures of the web page: the demo call in a Redis of its own, the page in Chromium.

Writes docs/page-live.png and docs/page-call.png. The calls of the list are the demo call, cut off at
different times.

    .venv/bin/python scripts/screenshots.py
"""

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
from playwright.async_api import Browser, async_playwright, expect

from affectstream.analytics.alerts import alerts
from affectstream.analytics.rules import read as read_rules
from affectstream.export import read
from affectstream.runtime.embedded import EmbeddedRedis
from affectstream.runtime.process import die_with_parent, free_port
from affectstream.runtime.settings import load
from affectstream.runtime.store import FusedStore
from affectstream.schemas.messages import FusedEmotion

ROOT = Path(__file__).parent.parent
CALL = ROOT / "affectstream" / "demo_call" / "session.json"
CALLS = {"call-1043": 1.0, "call-1044": 0.7, "call-1046": 0.55, "call-1047": 0.4, "call-1049": 0.25}
STARTED_S = 120.0

Windows = Sequence[FusedEmotion]


def analysed() -> list[FusedEmotion]:
    """Return the windows of the demo call."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "demo.jsonl"
        command = ["analyze", str(CALL), "--agent-purpose", "synthetic", "-o", str(path)]
        subprocess.run([Path(sys.executable).with_name("affectstream"), *command], check=True)
        return read(path)


def renamed(windows: Windows, session_id: str, share: float, now_ms: int) -> list[FusedEmotion]:
    """Return the first ``share`` of a call as a session that goes on now."""
    start_ms, end_ms = min(w.start_ms for w in windows), max(w.end_ms for w in windows)
    kept = [w for w in windows if w.end_ms <= start_ms + share * (end_ms - start_ms)]
    by_ms = (now_ms - max(w.end_ms for w in kept)) // 1000 * 1000
    moved = [{"start_ms": w.start_ms + by_ms, "end_ms": w.end_ms + by_ms} for w in kept]
    return [w.model_copy(update={"session_id": session_id} | at) for w, at in zip(kept, moved, strict=True)]


async def written(url: str, calls: dict[str, float], windows: Windows) -> None:
    """Write calls and their alerts as the processes do."""
    async with FusedStore(load(redis={"url": url}).redis) as store:
        for session_id, share in calls.items():
            call = renamed(windows, session_id, share, int(time.time() * 1000))
            await store.write(call)
            await store.write_alerts(alerts(read_rules(), call))


@contextmanager
def served(redis_url: str) -> Iterator[str]:
    """Run the API's process; yields its address."""
    port = free_port()
    settings = {"AFFECT_REDIS__URL": redis_url, "AFFECT_API__PORT": str(port)}
    process = subprocess.Popen(
        [sys.executable, "-m", "affectstream.dashboards"],
        env=os.environ | settings,
        preexec_fn=die_with_parent,
    )
    try:
        deadline_s = time.monotonic() + STARTED_S
        while time.monotonic() < deadline_s:
            try:
                httpx.get(f"http://127.0.0.1:{port}/livez")
                break
            except httpx.TransportError:
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


async def pictures(browser: Browser, url: str) -> None:
    """Write the pictures."""
    page = await browser.new_page(viewport={"width": 1300, "height": 600})
    await page.goto(url)
    await expect(page.locator(".ag-center-cols-container .ag-row")).to_have_count(2 * len(CALLS))
    await expect(page.locator(".cell-strip").first).to_be_visible()
    await page.wait_for_timeout(2_000)  # the strips are read in batches
    await page.screenshot(path=ROOT / "docs" / "page-live.png")
    await page.set_viewport_size({"width": 1100, "height": 720})
    await page.goto(f"{url}/call/{next(iter(CALLS))}")
    await expect(page.locator("canvas").first).to_be_visible()
    await page.wait_for_timeout(2_000)  # the charts are drawn after their data came
    await page.screenshot(path=ROOT / "docs" / "page-call.png")
    await page.close()


async def main() -> None:
    """Take the pictures."""
    windows = analysed()
    with EmbeddedRedis() as redis, served(redis.url) as url:
        await written(redis.url, CALLS, windows)
        async with async_playwright() as playwright:
            chromium = shutil.which("chromium")
            browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            await pictures(browser, url)
            await browser.close()


if __name__ == "__main__":
    asyncio.run(main())
