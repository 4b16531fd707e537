"""A real browser for tests of pages, as Debian ships it, and visitors whose errors fail a test."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

# what runs a process for each window that shows nothing: the list below an address bar, the site visited next
IDLE = (
    "WebUIOmniboxPopup",
    "WebUIOmniboxAimPopup",
    "WebUIOmniboxFullPopup",
    "SpareRendererForSitePerProcess",
)
ARGUMENTS = [
    "--no-sandbox",
    f"--disable-features={','.join(IDLE)}",
    "--use-fake-device-for-media-stream",  # a microphone that beeps
    "--use-fake-ui-for-media-stream",
]

expect.set_options(timeout=30_000)  # a deadline and no measurement: other tests may take the processor


@asynccontextmanager
async def launched() -> AsyncIterator[Browser]:
    """Chromium; the test is skipped where there is none."""
    found = shutil.which("chromium")
    if found is None:
        pytest.skip("there is no chromium; `make system` installs it")
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        yield running
        await running.close()


@asynccontextmanager
async def visiting(browser: Browser) -> AsyncIterator[Page]:
    """A new visitor's page, whose errors fail the test."""
    async with await browser.new_context() as context, opened(context) as page:
        yield page


@asynccontextmanager
async def opened(context: BrowserContext) -> AsyncIterator[Page]:
    """A page whose errors fail the test; the context forgets its cookies and keeps the files it loaded."""
    page = await context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    yield page
    await page.close()
    await context.clear_cookies()
    assert not errors, errors
