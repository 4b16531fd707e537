"""A real browser that opens the page of a real process over a real Redis."""

from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Browser, Page
from support.browser import launched, visiting


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def browser() -> AsyncIterator[Browser]:
    """Chromium; tests that use it are marked ``asyncio(loop_scope="package")``."""
    async with launched() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="package")
async def page(browser: Browser) -> AsyncIterator[Page]:
    """A new visitor's page, whose errors fail the test."""
    async with visiting(browser) as opened:
        yield opened
