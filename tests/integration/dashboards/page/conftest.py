"""A real browser that opens the page of a real process over a real Redis."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest_asyncio
from integration.dashboards.conftest import SESSION, Runner
from playwright.async_api import Browser, BrowserContext, Page, expect
from support.browser import launched, opened, visiting

from affectstream.runtime.audit import AuditLog
from affectstream.schemas.audit import AuditEntry

TOKEN = "a-token"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
LISTEN = f"/api/sessions/{SESSION}/listen"


@dataclass
class Listened:
    """A running API that has recordings, and its audit log."""

    url: str
    log: AuditLog

    def reads(self) -> list[AuditEntry]:
        return [entry for entry in self.log.entries() if entry.did == "recording read"]


@contextmanager
def listened(running: Runner, redis_url: str, folder: Path) -> Iterator[Listened]:
    """Run an API whose settings permit to listen to the recordings of a folder."""
    log = folder.parent / f"{folder.name}.jsonl"
    policy = {"RECORDINGS": folder, "LISTENING": "true", "WORDS_IN_TURNS": "true", "AUDIT_LOG": log}
    env = {f"AFFECT_POLICY__{name}": str(value) for name, value in policy.items()}
    with running(env | {"AFFECT_REDIS__URL": redis_url, "AFFECT_API__TOKEN": TOKEN}) as (url, _):
        yield Listened(url, AuditLog(log))


async def signed_in(api: Listened, page: Page, session: str = SESSION) -> None:
    """Open the page of a call as a visitor who knows the token."""
    await page.goto(f"{api.url}/call/{session}")
    await page.get_by_label("Token of the API").fill(TOKEN)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.locator("canvas").first).to_be_visible()


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def browser() -> AsyncIterator[Browser]:
    """Chromium; tests that use it are marked ``asyncio(loop_scope="package")``."""
    async with launched() as running:
        yield running


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def loaded(browser: Browser) -> AsyncIterator[BrowserContext]:
    """The files of the pages, which are compiled once; no cookie stays."""
    async with await browser.new_context() as context:
        yield context


@pytest_asyncio.fixture(loop_scope="package")
async def page(loaded: BrowserContext) -> AsyncIterator[Page]:
    """A new visitor's page, whose errors fail the test."""
    async with opened(loaded) as page:
        yield page


@pytest_asyncio.fixture(loop_scope="package")
async def new_page(browser: Browser) -> AsyncIterator[Page]:
    """A page as ``page``, of a browser that has loaded nothing: for what must not be kept."""
    async with visiting(browser) as page:
        yield page
