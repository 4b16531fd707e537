"""The capture page in a real browser, whose camera and microphone are made up, before a real gateway."""

import asyncio
import re
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect
from support.browser import launched

from affectstream.producers.gateway.admission import new_token
from affectstream.producers.session_ids import SessionIds
from affectstream.runtime.kafka import Subscriber
from affectstream.runtime.store import FusedStore
from affectstream.schemas.codec import decode
from affectstream.schemas.messages import AudioChunk, EndOfStream, VideoFrame
from affectstream.schemas.topics import CHUNKS, FRAMES

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]
SHOWN_MS = 30_000
MIB = 1 << 20


@pytest_asyncio.fixture
async def page() -> AsyncIterator[Page]:
    async with launched() as browser:
        opened = await browser.new_page()
        errors: list[str] = []
        opened.on("pageerror", lambda error: errors.append(str(error)))
        opened.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
        yield opened
        assert not errors


def address(gateway, call_id):
    settings = gateway.settings.gateway
    token = new_token(settings.token.get_secret_value(), time.time())
    return f"http://127.0.0.1:{settings.port}/capture#token={token}&call={call_id}"


async def captured(page, gateway, call_id, camera=False):
    """Capture a call until its chunks are there, and stop it."""
    await page.goto(address(gateway, call_id))
    await expect(page.locator("#start")).to_be_disabled()
    await page.check("#consent")
    if camera:
        await page.check("#camera")
    await page.click("#start")
    await expect(page.locator("#status")).to_have_text("Capturing.", timeout=SHOWN_MS)
    deadline = time.monotonic() + SHOWN_MS / 1000
    while await page.locator("#level").evaluate("meter => meter.value") < 0.02:
        assert time.monotonic() < deadline, "the level meter does not move"
        await asyncio.sleep(0.02)
    await expect(page.locator("#elapsed")).to_have_text(re.compile(r"^([3-9]|\d\d)$"), timeout=SHOWN_MS)
    await page.click("#stop")
    await expect(page.locator("#status")).to_have_text("Stopped.", timeout=SHOWN_MS)
    return SessionIds("a key of nobody").of(call_id)


async def test_a_call_that_the_page_captures_ends_in_redis(gateway, page):
    session_id = await captured(page, gateway, "page-heard")
    ended = await gateway.event("call_ended", session=session_id)
    assert ended["reason"] == "stop" and ended["seconds"] > 2 and ended["filled_ms"] == 0
    deadline = time.monotonic() + 60
    async with FusedStore(gateway.settings.redis) as store:
        while not (session := await store.session(session_id)) or "customer" not in session.parties:
            assert time.monotonic() < deadline, gateway.complaint()
            await asyncio.sleep(0.1)


async def test_camera_and_microphone_are_sent_by_one_clock(gateway, page):
    kafka = gateway.settings.kafka
    session_id = await captured(page, gateway, "page-seen", camera=True)
    await gateway.event("call_ended", session=session_id, reason="stop")
    found = []
    async with Subscriber(kafka, [FRAMES.name, CHUNKS.name], "capture-page") as subscriber:
        deadline = time.monotonic() + 60
        while sum(isinstance(m, EndOfStream) for m in found) < 2:
            assert time.monotonic() < deadline
            records = await subscriber.get(100, 200)
            found += [m for m in (decode(r.value, MIB) for r in records) if m.session_id == session_id]
    frames = [m for m in found if isinstance(m, VideoFrame)]
    chunks = [m for m in found if isinstance(m, AudioChunk)]
    assert len(frames) > 5 and len(chunks) > 2
    assert {chunk.rate_hz for chunk in chunks} == {16_000}
    assert all(frame.jpeg[:2] == b"\xff\xd8" for frame in frames)
    assert abs(frames[-1].start_ms - chunks[-1].end_ms) < 1_000
    assert {m.expects for m in found} == {("video", "audio")}


async def test_nothing_is_opened_before_consent_and_withdrawing_it_stops(gateway, page):
    await page.goto(address(gateway, "page-withdrawn"))
    assert page.url.endswith("/capture")  # the token is not left in the address
    await page.evaluate("document.getElementById('form').requestSubmit()")
    await expect(page.locator("#status")).to_have_text("Nothing is captured.")
    await page.check("#consent")
    await page.click("#start")
    await expect(page.locator("#status")).to_have_text("Capturing.", timeout=SHOWN_MS)
    await page.uncheck("#consent")
    await expect(page.locator("#status")).to_contain_text("consent was withdrawn", timeout=SHOWN_MS)
    session_id = SessionIds("a key of nobody").of("page-withdrawn")
    await gateway.event("call_ended", session=session_id, reason="consent_withdrawn")


async def test_a_link_admits_one_call_and_the_page_says_so(gateway, page):
    await page.goto(address(gateway, "page-once"))
    await page.check("#consent")
    for expected in ("Capturing.", "The gateway refused the call (token)"):
        await page.click("#start")
        await expect(page.locator("#status")).to_contain_text(expected, timeout=SHOWN_MS)
        if expected == "Capturing.":
            await page.click("#stop")
            await expect(page.locator("#status")).to_have_text("Stopped.", timeout=SHOWN_MS)
