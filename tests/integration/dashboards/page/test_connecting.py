"""What is typed while a page connects: it is taken as it stands once the page is connected."""

import asyncio
from collections.abc import Iterator

import pytest
import pytest_asyncio
from integration.dashboards.conftest import Runner
from integration.dashboards.page.conftest import Listened, listened, signed_in
from playwright.async_api import Page, Route, WebSocketRoute, expect

SHUFFLED = """(() => {  // the looks at whether the page is connected, as a busy machine does it
    const later = window.setTimeout.bind(window);
    window.setTimeout = (then, ms, ...rest) => later(then, ms === 10 ? 30 * Math.random() : ms, ...rest);
})()"""

pytestmark = pytest.mark.asyncio(loop_scope="package")


@pytest.fixture(scope="module")
def process(running: Runner, redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Listened]:
    with listened(running, redis_url, tmp_path_factory.mktemp("typed")) as api:
        yield api


@pytest_asyncio.fixture(loop_scope="package")
async def connected(page: Page) -> asyncio.Event:
    """What lets the page's socket through, which is held until then."""
    permitted = asyncio.Event()

    async def hold(socket: WebSocketRoute) -> None:
        await permitted.wait()
        socket.connect_to_server()

    async def hold_polls(route: Route) -> None:
        await permitted.wait()
        await route.continue_()

    await page.add_init_script(SHUFFLED)
    await page.route("**/_nicegui_ws/**", hold_polls)
    await page.route_web_socket("**/_nicegui_ws/**", hold)
    return permitted


async def test_the_calls_are_filtered_by_what_stands_in_the_box(
    api_url: str, page: Page, connected: asyncio.Event
) -> None:
    await page.goto(api_url)
    await expect(page.locator(".ag-center-cols-container .ag-row").nth(1)).to_be_visible()
    await page.get_by_role("searchbox").press_sequentially("agents")
    await page.keyboard.press("Backspace")
    assert await page.evaluate("window.did_handshake") is False
    connected.set()
    await expect(page.locator(".ag-center-cols-container .ag-row")).to_have_count(1)
    await expect(page).to_have_url(f"{api_url}/?q=agent")
    await page.get_by_role("button", name="Clear").click()
    await expect(page).to_have_url(f"{api_url}/")


async def test_who_listens_is_the_name_in_the_box(
    process: Listened, page: Page, connected: asyncio.Event
) -> None:
    await signed_in(process, page)
    await page.get_by_label("Your name to listen").press_sequentially("Grace")
    await page.keyboard.press("Enter")
    assert await page.evaluate("window.did_handshake") is False
    connected.set()
    await expect(page.get_by_text("there is no recording with sound")).to_be_visible()


async def test_a_sentence_is_tried_as_it_stands_in_the_box(
    api_url: str, page: Page, connected: asyncio.Event
) -> None:
    await page.goto(f"{api_url}/try")
    await page.get_by_label("What is said").press_sequentially("I am so angry about this")
    await page.keyboard.press("Enter")
    assert await page.evaluate("window.did_handshake") is False
    connected.set()
    found = page.get_by_role("region", name="Result")
    await expect(found).to_contain_text("cues consistent with", timeout=120_000)
