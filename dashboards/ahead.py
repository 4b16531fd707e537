"""What is likely to be asked for, read before anybody asks: long calls and moods."""

import asyncio
from collections.abc import Iterable

import structlog
from fastapi import FastAPI

from affectstream.dashboards.moods import newest
from affectstream.dashboards.responses import PartyRow
from affectstream.schemas.errors import Unavailable

AGAIN_S = 60.0
REST_S = 0.01  # after each page, which takes half of that: others are answered meanwhile
LONG_MS = 15 * 60_000  # a shorter call is read within a request

log = structlog.get_logger(__name__)


async def read(app: FastAPI) -> None:
    """Read ahead until cancelled: what there is, the newest first, and from then on what is new of it."""
    state = app.state
    while True:
        try:
            await state.roster.refresh()
            rows = newest(state.roster)
            for row in long(rows):
                while await state.reader.ahead(row.session, row.party):
                    await asyncio.sleep(REST_S)
            behind = state.moods.behind(rows)
            while behind:
                behind = await state.moods.ahead(behind)
                await asyncio.sleep(REST_S)
        except Unavailable as error:
            log.info("not_read_ahead", why=str(error))
        await asyncio.sleep(AGAIN_S)


def long(rows: Iterable[PartyRow]) -> list[PartyRow]:
    """Return the parties of long calls, those that go on first and then by their newest window."""
    found = [row for row in rows if row.duration_ms >= LONG_MS]
    return sorted(found, key=lambda row: (row.state != "live", -row.end_ms))
