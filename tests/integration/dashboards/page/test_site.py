"""The page in a browser: what it shows, who may see it, and that nothing comes from elsewhere."""

import re
from collections.abc import Iterator

import pytest
from axe_playwright_python.async_playwright import Axe
from integration.dashboards.conftest import SESSION, Runner
from playwright.async_api import Page, Request, expect

pytestmark = pytest.mark.asyncio(loop_scope="package")

TOKEN = "a-token"


async def test_the_first_page_lists_the_calls_and_loads_nothing_from_elsewhere(
    api_url: str, page: Page
) -> None:
    loaded: list[str] = []

    def note(request: Request) -> None:
        loaded.append(request.url)

    page.on("request", note)
    await page.goto(api_url)
    await expect(page.get_by_role("gridcell", name=SESSION).first).to_be_visible()
    assert loaded and all(url.startswith(api_url) for url in loaded)


async def test_a_visitor_enters_the_token_first(running: Runner, redis_url: str, page: Page) -> None:
    with running({"AFFECT_REDIS__URL": redis_url, "AFFECT_API__TOKEN": TOKEN}) as (url, _):
        await page.goto(url)
        await page.get_by_label("Token of the API").fill("wrong")
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.get_by_role("alert")).to_have_text("That is not the token.")
        await page.get_by_label("Token of the API").fill(TOKEN)
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.get_by_role("gridcell", name=SESSION).first).to_be_visible()
        await page.goto("about:blank")  # the open page would ask for the process once more


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_axe_finds_nothing_against_the_guidelines(api_url: str, page: Page, theme: str) -> None:
    await page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    await page.goto(api_url)
    await expect(page.get_by_role("gridcell", name=SESSION).first).to_be_visible()
    found = await Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa"]})
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_every_page_leads_to_what_its_numbers_mean(api_url: str, page: Page, theme: str) -> None:
    await page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    for path in ("/", "/try", "/system", f"/call/{SESSION}"):
        await page.goto(f"{api_url}{path}")
        await page.get_by_role("link", name="What the numbers mean").click()
        await expect(page.get_by_role("heading", name="What the numbers mean")).to_be_visible()
    for column in ("Need", "Cue", "Alert", "Disagreement", "Last five minutes"):  # of the list of calls
        await expect(page.get_by_role("term").filter(has_text=re.compile(f"^{column}$"))).to_have_count(1)
    found = await Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa"]})
    assert found.violations_count == 0, found.generate_report()


@pytest.fixture(scope="module")
def silent_url(running: Runner, redis_url: str) -> Iterator[str]:
    """A page of a system whose only process does not answer."""
    processes = "video=http://127.0.0.1:1/metrics"
    with running({"AFFECT_REDIS__URL": redis_url, "AFFECT_API__PROCESSES": processes}) as (url, _):
        yield url


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_the_system_names_processes_that_do_not_answer(silent_url: str, page: Page, theme: str) -> None:
    await page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    await page.goto(f"{silent_url}/system")
    await expect(page.get_by_role("row").filter(has_text="video")).to_contain_text("no answer")
    found = await Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa"]})
    assert found.violations_count == 0, found.generate_report()
    await page.goto("about:blank")
