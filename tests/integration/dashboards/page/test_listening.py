"""Listening along with a recorded call: by the API, in a browser, and what the audit log says of it."""

import io
import wave
from collections.abc import Iterator

import httpx
import numpy as np
import pytest
from axe_playwright_python.async_playwright import Axe
from integration.dashboards.conftest import SESSION, START_MS, WINDOWS, Runner
from integration.dashboards.page.conftest import BEARER, LISTEN, Listened, listened, signed_in
from playwright.async_api import Page, expect
from support.recorded_calls import chunk, recorded, utterance

from affectstream.runtime.consent_store import ConsentStore
from affectstream.runtime.settings import load

pytestmark = pytest.mark.asyncio(loop_scope="package")

SAID = "I have paid this bill twice."
TONE = (3000 * np.sin(np.arange(8000) * 2 * np.pi * 440 / 8000)).astype(np.int16)


@pytest.fixture
def page(new_page: Page) -> Page:
    """Of a browser that has loaded nothing: sound that it should not have is not left from another test."""
    return new_page


@pytest.fixture(scope="module")
def process(running: Runner, redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Listened]:
    folder = tmp_path_factory.mktemp("recordings")
    sound = [chunk(SESSION, "customer", i, START_MS + 1000 * i, TONE) for i in range(WINDOWS)]
    recorded(folder, SESSION, [*sound, utterance(SESSION, "customer", START_MS, START_MS + 4000, SAID)])
    with listened(running, redis_url, folder) as api:
        yield api


async def test_nobody_listens_where_no_setting_permits_it(api_url: str, page: Page) -> None:
    async with httpx.AsyncClient(base_url=api_url) as client:
        refused = await client.post(LISTEN, json={"by": "Ada"})
    assert (refused.status_code, "policy.listening" in refused.json()["detail"]) == (403, True)
    await page.goto(f"{api_url}/call/{SESSION}")
    await expect(page.locator("canvas")).to_have_count(2)
    await expect(page.get_by_role("button", name="Listen along")).to_have_count(0)
    await expect(page.get_by_role("columnheader", name="said")).to_have_count(0)


async def test_the_sound_is_read_by_ranges_and_who_listens_is_noted(process: Listened) -> None:
    async with httpx.AsyncClient(base_url=process.url, timeout=30) as client:
        assert (await client.post(LISTEN, json={"by": "Ada"})).status_code == 401
        before = len(process.reads())
        begun = (await client.post(LISTEN, json={"by": "Ada"}, headers=BEARER)).json()
        assert [(entry.by, entry.session) for entry in process.reads()[before:]] == [("Ada", SESSION)]
        whole = await client.get(begun["url"])
        with wave.open(io.BytesIO(whole.content)) as file:
            assert file.getnframes() == 8000 * (begun["end_ms"] - begun["start_ms"]) // 1000 == 8000 * WINDOWS
        part = await client.get(begun["url"], headers={"Range": "bytes=1000-1999"})
        assert (part.status_code, part.content) == (206, whole.content[1000:2000])
        assert part.headers["Content-Range"] == f"bytes 1000-1999/{len(whole.content)}"
        end = await client.get(begun["url"], headers={"Range": "bytes=-10"})
        assert end.content == whole.content[-10:]
        assert (await client.get(begun["url"], headers={"Range": "bytes=9999999-"})).status_code == 416
        forged = begun["url"].replace(SESSION, "call-0043")
        assert (await client.get(forged)).status_code == 404
        assert (await client.post("/api/sessions/unknown/listen", json={"by": "A"}, headers=BEARER)).is_error


async def test_a_withdrawn_consent_silences_a_call(process: Listened, redis_url: str) -> None:
    settings = load(redis={"url": redis_url})
    async with ConsentStore(settings.redis, settings.policy) as consents:
        await consents.set("withdrawn-call", "withdrawn", "a test")
    async with httpx.AsyncClient(base_url=process.url) as client:
        path = "/api/sessions/withdrawn-call/listen"
        assert (await client.post(path, json={"by": "Ada"}, headers=BEARER)).status_code == 403


async def test_a_cursor_goes_along_with_the_sound_and_a_turn_goes_there(
    process: Listened, page: Page
) -> None:
    await signed_in(process, page)
    await expect(page.locator(".call-turns tbody tr").first).to_contain_text(SAID)
    await page.get_by_label("Your name to listen").fill("Grace")
    await page.keyboard.press("Enter")
    await expect(page.locator("#call-sound")).to_have_js_property("duration", WINDOWS)
    await page.locator("#call-sound").evaluate("sound => { sound.pause(); sound.currentTime = 17.5; }")
    cursor = page.get_by_role("region", name="customer").locator(".call-cursor")
    await expect(cursor).to_have_attribute("data-at", "0:17")
    await expect(cursor).to_be_visible()
    chart = await page.locator(".call-chart").first.bounding_box()
    line = await cursor.bounding_box()
    assert chart and line
    share = (line["x"] - chart["x"] - 84) / (chart["width"] - 100)  # the grid's place in the chart
    assert share == pytest.approx(17.5 / WINDOWS, abs=0.05)
    turn = page.locator(".call-turns tbody tr").last
    at = await turn.get_by_role("button").inner_text()
    await turn.get_by_role("button").click()
    minutes, seconds = map(int, at.split(":"))
    await expect(page.locator("#call-sound")).to_have_js_property("currentTime", 60 * minutes + seconds)
    await expect(turn).to_have_attribute("data-now", "")
    assert "Grace" in [entry.by for entry in process.reads()]
    found = await Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa"]})
    assert found.violations_count == 0, found.generate_report()


async def test_a_click_into_a_chart_goes_there_in_the_sound(process: Listened, page: Page) -> None:
    await signed_in(process, page)
    await page.get_by_label("Your name to listen").fill("Grace")
    await page.keyboard.press("Enter")
    await expect(page.locator("#call-sound")).to_have_js_property("duration", WINDOWS)
    await page.locator("#call-sound").evaluate("sound => sound.pause()")
    chart = page.locator(".call-chart").first
    box = await chart.bounding_box()
    assert box
    await chart.click(position={"x": 84 + (box["width"] - 100) / 4, "y": box["height"] / 3})
    near = f"Math.abs(document.querySelector('#call-sound').currentTime - {WINDOWS / 4}) < {WINDOWS / 20}"
    await page.wait_for_function(near)


async def test_an_empty_name_hears_nothing(process: Listened, page: Page) -> None:
    await signed_in(process, page)
    before = len(process.reads())
    await page.get_by_role("button", name="Listen along").click()
    await expect(page.get_by_text("Write your name")).to_be_visible()
    assert [entry for entry in process.reads()[before:] if entry.detail.get("what") == "sound"] == []
