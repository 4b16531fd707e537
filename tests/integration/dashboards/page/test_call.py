"""The page of a call in a browser: equal to the API, with what happened, to jump to and to download."""

import httpx
import pytest
from axe_playwright_python.async_playwright import Axe
from integration.dashboards.conftest import SESSION
from playwright.async_api import Page, expect

from affectstream.analytics.label import Display
from affectstream.analytics.lines import lines
from affectstream.schemas.messages import FusedEmotion

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def got(url: str, path: str) -> httpx.Response:
    """An answer of the API."""
    async with httpx.AsyncClient(base_url=url, timeout=10) as client:
        return await client.get(path)


async def opened(url: str, page: Page) -> None:
    """Open the page of the call and wait for its charts."""
    await page.goto(f"{url}/call/{SESSION}")
    await expect(page.locator("canvas")).to_have_count(2)


async def test_it_says_what_the_api_says(api_url: str, page: Page) -> None:
    rows = (await got(api_url, f"/api/sessions/{SESSION}")).json()["parties"]
    await opened(api_url, page)
    for row in rows:
        section = page.get_by_role("region", name=row["party"])
        await expect(section).to_contain_text(f"{row['confidence']:.2f}")


async def test_alerts_are_listed_and_a_click_goes_there(api_url: str, page: Page) -> None:
    alerts = (await got(api_url, f"/api/sessions/{SESSION}/alerts")).json()["alerts"]
    begun = [alert for alert in alerts if alert["edge"] == "begin"]
    await opened(api_url, page)
    text = begun[0]["text"].removeprefix(f"{begun[0]['party']}: ")
    listed = page.get_by_role("row").filter(has_text="alert").filter(has_text=text)
    await expect(listed).to_have_count(len(begun))
    await listed.first.click()
    await expect(page.locator("canvas")).to_have_count(2)


async def test_the_windows_are_downloaded_as_analyze_writes_them(
    api_url: str, call: list[FusedEmotion]
) -> None:
    text = (await got(api_url, f"/call/{SESSION}/windows.jsonl")).text
    mine = [line for line in text.splitlines(keepends=True) if '"party":"customer"' in line]
    assert mine == list(lines(call, Display()))
    assert (await got(api_url, f"/call/{SESSION}/windows.csv")).text.startswith("session,party,start_ms")


async def test_an_unknown_call_is_said_to_be_unknown_and_nothing_else(api_url: str, page: Page) -> None:
    await page.goto(f"{api_url}/call/never-Was")
    await expect(page.get_by_role("status")).to_contain_text("There is no session 'never-Was'")
    await expect(page.get_by_role("heading", level=2).locator("visible=true")).to_have_count(0)


async def test_a_phone_reads_what_happened_without_scrolling_sideways(api_url: str, page: Page) -> None:
    await page.set_viewport_size({"width": 390, "height": 844})
    await opened(api_url, page)
    table = page.locator('[aria-label="What happened"] .q-table__middle')
    assert await table.evaluate("table => table.scrollWidth <= table.clientWidth")
    assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_axe_finds_nothing_against_the_guidelines(api_url: str, page: Page, theme: str) -> None:
    await page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    await opened(api_url, page)
    found = await Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa"]})
    assert found.violations_count == 0, found.generate_report()


async def test_talk_quarters_and_turns_are_those_of_the_api(api_url: str, page: Page) -> None:
    found = (await got(api_url, f"/api/sessions/{SESSION}/turns")).json()
    await opened(api_url, page)
    await expect(page.get_by_text(f"Nobody talks for {100 * found['silence']:.0f} %")).to_be_visible()
    talk = page.get_by_role("row").filter(has_text=f"{100 * found['talk'][0]['talk_share']:.0f} %")
    await expect(talk.first).to_contain_text(found["talk"][0]["party"])
    turns = page.locator(".call-turns tbody tr")
    await expect(turns).to_have_count(min(25, len(found["turns"])))
    await expect(turns.first).to_contain_text(found["turns"][0]["label"])
    await turns.nth(1).get_by_role("button").focus()
    await page.keyboard.press("Enter")
    await expect(page.locator("canvas")).to_have_count(2)


async def test_the_chart_is_saved_as_a_picture(api_url: str, page: Page) -> None:
    await opened(api_url, page)
    async with page.expect_download() as started:
        await page.get_by_role("button", name="Chart as PNG").first.click()
    saved = await started.value
    assert saved.suggested_filename.startswith(SESSION)
    assert (await saved.path()).read_bytes().startswith(b"\x89PNG")


async def test_the_way_back_keeps_the_filter(api_url: str, page: Page) -> None:
    await page.goto(api_url)
    await expect(page.locator(".ag-row").first).to_be_visible()
    await page.get_by_role("searchbox").fill("agent")
    await expect(page).to_have_url(f"{api_url}/?q=agent")
    await opened(api_url, page)
    await page.get_by_role("link", name="All calls").click()
    await expect(page).to_have_url(f"{api_url}/?q=agent")
    await expect(page.get_by_role("searchbox")).to_have_value("agent")
    await expect(page.locator(".ag-center-cols-container .ag-row")).to_have_count(1)
