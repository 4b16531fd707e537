"""Routes of the JSON API."""

import asyncio
from collections.abc import Sequence
from importlib.metadata import version
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request

from affectstream.analytics.alerts import in_order
from affectstream.analytics.records import Summary
from affectstream.analytics.summary import summarise
from affectstream.dashboards import convert
from affectstream.dashboards.reader import Reader
from affectstream.dashboards.responses import (
    Alerts,
    Health,
    Latest,
    Modalities,
    PartyRow,
    Problem,
    Session,
    Sessions,
    Timeline,
)
from affectstream.runtime import store
from affectstream.schemas.messages import Party, SessionId

Responses = dict[int | str, dict[str, Any]]

VERSION = version("affectstream")
MAX_SESSIONS = 200
MAX_WINDOWS = 10_000
MAX_MS = 253_402_300_800_000  # the year 10,000: a later time is in another unit

AWAY: Responses = {503: {"model": Problem, "description": "the store does not answer"}}
DATA: Responses = AWAY | {
    401: {"model": Problem, "description": "the bearer token is missing or wrong"},
    422: {"model": Problem, "description": "a parameter that cannot be"},
}
NAMED: Responses = DATA | {404: {"model": Problem, "description": "no such session or party is kept"}}


def _reader(request: Request) -> Reader:
    reader: Reader = request.app.state.reader
    return reader


Data = Annotated[Reader, Depends(_reader)]
Sid = Annotated[SessionId, Path(description="the session's id")]
From = Annotated[
    int | None, Query(alias="from", ge=0, le=MAX_MS, description="windows that end after this time, in ms")
]
To = Annotated[int | None, Query(ge=0, le=MAX_MS, description="windows that end by this time, in ms")]
Limit = Annotated[int, Query(ge=1, le=MAX_WINDOWS, description="at most so many windows, the oldest first")]

data = APIRouter(prefix="/api/sessions", tags=["data"])
health = APIRouter(tags=["health"])


@data.get("", responses=DATA)
async def sessions(reader: Data, limit: Annotated[int, Query(ge=1, le=MAX_SESSIONS)] = 100) -> Sessions:
    """Return the sessions with the newest windows first, a row per party."""
    found = await reader.sessions(limit)
    return Sessions(sessions=await rows(reader, found))


@data.get("/{sid}", responses=NAMED)
async def session(reader: Data, sid: Sid) -> Session:
    """Return one session, a row per party."""
    return Session(session=sid, parties=await rows(reader, [await reader.session(sid)]))


@data.get("/{sid}/{party}/timeline", responses=NAMED)
async def timeline(
    reader: Data, sid: Sid, party: Party, from_ms: From = None, to: To = None, limit: Limit = 1000
) -> Timeline:
    """Return the final windows of a party in order, page by page: `next_from` is `from` of the next."""
    finals, next_from = await reader.finals(sid, party, (from_ms, to), limit)
    windows = list(map(convert.window, finals, await reader.labels(finals)))
    return Timeline(session=sid, party=party, windows=windows, next_from=next_from)


@data.get("/{sid}/{party}/modalities", responses=NAMED)
async def modalities(
    reader: Data, sid: Sid, party: Party, from_ms: From = None, to: To = None, limit: Limit = 1000
) -> Modalities:
    """Return the evidence of each modality in each final window, in columns like `video_weight`."""
    finals, next_from = await reader.finals(sid, party, (from_ms, to), limit)
    windows = list(map(convert.modalities, finals))
    return Modalities(session=sid, party=party, windows=windows, next_from=next_from)


@data.get("/{sid}/{party}/latest", responses=NAMED)
async def latest(reader: Data, sid: Sid, party: Party) -> Latest:
    """Return the newest window of a party; an early one may still be revised."""
    return convert.latest(*await reader.latest(sid, party))


@data.get("/{sid}/summary", responses=NAMED)
async def summary(reader: Data, sid: Sid) -> Summary:
    """Return per party: shares of time, quarters, change, turning points, contradictions."""
    return await asyncio.to_thread(summarise, await reader.all_finals(sid))


@data.get("/{sid}/alerts", responses=NAMED)
async def alerts(reader: Data, sid: Sid) -> Alerts:
    """Return the begins and ends of the alerts of all parties, the oldest first."""
    return Alerts(session=sid, alerts=list(map(convert.alert, in_order(await reader.alerts(sid)))))


@health.get("/livez")
async def livez() -> Health:
    """Return 200 while the process answers, whatever it depends on."""
    return Health(version=VERSION)


@health.get("/readyz", responses=AWAY)
@health.get("/healthz", responses=AWAY)
async def readyz(reader: Data) -> Health:
    """Return 200 while the process and the store answer."""
    await reader.ping()
    return Health(version=VERSION)


async def rows(reader: Reader, sessions: Sequence[store.Session]) -> list[PartyRow]:
    """Return a row per party of the sessions, in their order."""
    spans = {(found.session_id, party): span for found in sessions for party, span in found.parties.items()}
    newest = await reader.newest(list(spans))
    return [
        convert.party(sid, party, (span.first_end_ms, span.last_end_ms), pane)
        for ((sid, party), span), pane in zip(spans.items(), newest, strict=True)
    ]
