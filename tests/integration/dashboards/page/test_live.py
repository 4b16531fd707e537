"""The list of calls in a browser: equal to the API, current, by keyboard, on a phone, with many calls."""

import httpx
import pytest
from integration.dashboards.conftest import MODEL, SESSION, START_MS, Runner
from playwright.async_api import Browser, Page, expect
from support.observations import final

from affectstream.runtime.embedded import EmbeddedRedis
from affectstream.runtime.process import free_port
from affectstream.runtime.settings import load
from affectstream.runtime.store import FusedStore
from affectstream.schemas.labels import EMOTIONS, INDEX, N_EMOTIONS
from affectstream.schemas.messages import FusedEmotion, ModalityState, Party

pytestmark = pytest.mark.asyncio(loop_scope="package")

MANY = 1_000


def window(
    end_ms: int, emotion: str, session: str = "call-new", p: float = 0.7, party: Party = "customer"
) -> FusedEmotion:
    """A final window in which an emotion leads."""
    rest = (1 - p) / (N_EMOTIONS - 1)
    vector = tuple(p if i == INDEX[emotion] else rest for i in range(N_EMOTIONS))
    voice = ModalityState(modality="audio", state="present", p=vector, weight=1.0, model_id=MODEL)
    return final(end_ms, vector, session_id=session, party=party, modalities=(voice,))


async def written(url: str, *finals: FusedEmotion) -> None:
    """Write windows as the fusion process does."""
    async with FusedStore(load(redis={"url": url}).redis) as store:
        await store.write(finals)


async def test_a_row_shows_the_numbers_of_the_api(api_url: str, page: Page) -> None:
    async with httpx.AsyncClient(base_url=api_url, timeout=10) as client:
        rows = (await client.get("/api/sessions", params={"q": SESSION})).json()["sessions"]
    (row,) = (row for row in rows if row["party"] == "customer")
    await page.goto(api_url)
    shown = page.locator(f'.ag-row[row-id="{SESSION} customer"]')
    await expect(shown).to_contain_text(f"{row['need']:.2f}")
    await expect(shown).to_contain_text(f"{row['shown']} {row['confidence']:.2f}")


async def test_a_new_window_is_on_the_page_within_a_second_or_so(running: Runner, page: Page) -> None:
    with EmbeddedRedis() as redis, running({"AFFECT_REDIS__URL": redis.url}) as (url, _):
        await page.goto(url)
        await expect(page.get_by_text("No call is kept")).to_be_visible()
        await written(redis.url, window(START_MS + 1000, "happy"))
        row = page.locator('.ag-row[row-id="call-new customer"]')
        await expect(row).to_contain_text("happy")
        await written(redis.url, window(START_MS + 2000, "angry"))
        await expect(row).to_contain_text("angry 0.70")
        await written(redis.url, window(START_MS + 3000, "angry", p=0.9))
        await expect(row).to_contain_text("angry 0.90")
        await page.goto("about:blank")


async def test_a_call_that_is_sent_again_stays_on_the_page_with_what_it_has_now(
    running: Runner, page: Page
) -> None:
    with EmbeddedRedis() as redis, running({"AFFECT_REDIS__URL": redis.url}) as (url, _):
        await written(
            redis.url,
            window(START_MS + 20_000, "happy"),
            window(START_MS + 20_000, "sad", party="agent"),
        )
        await page.goto(url)
        rows = page.locator(".ag-center-cols-container .ag-row")
        await expect(rows).to_have_count(2)
        async with FusedStore(load(redis={"url": redis.url}).redis) as store:
            await store.begin_runs([("call-new", "again")])
            await store.write([window(START_MS + 1000, "angry")])
            await expect(rows).to_have_count(1)
            await expect(rows).to_contain_text("angry 0.70")
            await store.write([window(START_MS + 1000, "sad", party="agent")])
            await expect(rows).to_have_count(2)
        await page.goto("about:blank")


async def test_the_page_goes_on_after_the_store_was_away(running: Runner, page: Page) -> None:
    redis = EmbeddedRedis()
    port = int(redis.__enter__().url.rsplit(":", 1)[1].split("/")[0])
    with running({"AFFECT_REDIS__URL": redis.url}) as (url, _):
        await page.goto(url)
        await expect(page.get_by_text("No call is kept")).to_be_visible()
        redis.__exit__(None, None, None)
        await expect(page.get_by_role("status")).to_contain_text("does not answer", timeout=60_000)
        with EmbeddedRedis(port) as again:
            await written(again.url, window(START_MS + 1000, "happy"))
            row = page.locator('.ag-row[row-id="call-new customer"]')
            await expect(row).to_contain_text("happy", timeout=60_000)
            await expect(page.get_by_role("status")).to_be_empty()
            await page.goto("about:blank")


async def test_the_page_goes_on_with_its_filter_after_the_api_was_restarted(
    running: Runner, browser: Browser
) -> None:
    with EmbeddedRedis() as redis:
        settings = {"AFFECT_REDIS__URL": redis.url, "AFFECT_API__PORT": str(free_port())}
        await written(redis.url, *(window(START_MS + 1000, "happy", f"call-{name}") for name in ("a", "b")))
        page = await browser.new_page()  # its log says that nothing answered
        rows = page.locator(".ag-center-cols-container .ag-row")
        with running(settings) as (url, _):
            await page.goto(url)
            await expect(rows).to_have_count(2)
            await page.get_by_role("searchbox").fill("call-b")
            await expect(rows).to_have_count(1)
            await expect(page).to_have_url(f"{url}/?q=call-b")
        await written(redis.url, window(START_MS + 2000, "angry", "call-b", p=0.9))
        with running(settings):
            await expect(rows).to_contain_text("angry 0.90", timeout=60_000)
            await expect(rows).to_have_count(1)
            await page.close()


async def test_a_call_is_found_and_opened_by_keyboard_alone(api_url: str, page: Page) -> None:
    await page.goto(api_url)
    await expect(page.locator(".ag-row").first).to_be_visible()
    await page.get_by_role("searchbox").focus()
    await page.keyboard.type("agent")
    await expect(page.locator(".ag-center-cols-container .ag-row")).to_have_count(1)
    await page.locator('.ag-row [col-id="session"]').first.focus()
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(f"{api_url}/call/{SESSION}")


async def test_a_phone_scrolls_down_and_not_sideways(api_url: str, page: Page) -> None:
    await page.set_viewport_size({"width": 390, "height": 844})
    await page.goto(api_url)
    await expect(page.locator(".ag-row").first).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    cue = await page.locator('.ag-row [col-id="cue"] .cell-cue').first.bounding_box()
    grid = await page.locator(".live-grid").bounding_box()
    assert cue and grid and cue["x"] + cue["width"] <= grid["x"] + grid["width"]  # seen without scrolling


async def test_a_thousand_calls_are_drawn_forty_at_a_time(running: Runner, page: Page) -> None:
    with EmbeddedRedis() as redis, running({"AFFECT_REDIS__URL": redis.url}) as (url, _):
        calls = [window(START_MS + 1000, EMOTIONS[i % N_EMOTIONS], f"call-{i:04d}") for i in range(MANY)]
        await written(redis.url, *calls)
        await page.goto(url)
        await expect(page.get_by_text(f"{MANY} in all")).to_be_visible()
        assert await page.locator(".ag-center-cols-container .ag-row").count() < 60
        await written(redis.url, window(START_MS + 2000, "angry", "call-0001", p=0.99))
        first = page.locator('.ag-row[row-index="0"]')
        await expect(first).to_contain_text("call-0001")  # the most needy row moves to the top
        await page.goto("about:blank")
