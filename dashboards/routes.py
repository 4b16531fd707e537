"""The routes of the JSON API over the store."""

import asyncio
from collections.abc import Awaitable
from importlib.metadata import version
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, HTTPException, Path, Query, Request

from affectstream.dashboards import convert
from affectstream.dashboards.responses import (
    Health,
    Latest,
    Modalities,
    PartyRow,
    Problem,
    Session,
    Sessions,
    Timeline,
)
from affectstream.runtime import store as kept
from affectstream.schemas.errors import Unavailable
from affectstream.schemas.messages import FusedEmotion, Party, SessionId

T = TypeVar("T")
Responses = dict[int | str, dict[str, Any]]

VERSION = version("affectstream")
ANSWER_S = 2.0  # how long the store may take; its client alone would retry for ten seconds
MAX_SESSIONS = 200
MAX_WINDOWS = 10_000

AWAY: Responses = {503: {"model": Problem, "description": "the store does not answer"}}
DATA: Responses = AWAY | {
    401: {"model": Problem, "description": "the bearer token is missing or wrong"},
    422: {"model": Problem, "description": "a parameter that cannot be"},
}
NAMED: Responses = DATA | {404: {"model": Problem, "description": "no such session or party is kept"}}


def _store(request: Request) -> kept.FusedStore:
    store: kept.FusedStore = request.app.state.store
    return store


Store = Annotated[kept.FusedStore, Depends(_store)]
Sid = Annotated[SessionId, Path(description="the session's id")]
From = Annotated[int | None, Query(alias="from", ge=0, description="windows that end after this time, in ms")]
To = Annotated[int | None, Query(ge=0, description="windows that end by this time, in ms")]
Limit = Annotated[int, Query(ge=1, le=MAX_WINDOWS, description="at most so many windows, the oldest first")]

data = APIRouter(prefix="/api/sessions", tags=["data"])
health = APIRouter(tags=["health"])


@data.get("", responses=DATA)
async def sessions(store: Store, limit: Annotated[int, Query(ge=1, le=MAX_SESSIONS)] = 100) -> Sessions:
    """Return the sessions with the newest windows first, a row per party."""
    found = await asked(store.sessions(limit))
    return Sessions(sessions=[row for session in found for row in await _rows(store, session)])


@data.get("/{sid}", responses=NAMED)
async def session(store: Store, sid: Sid) -> Session:
    """Return one session, a row per party."""
    return Session(session=sid, parties=await _rows(store, await known(store, sid)))


@data.get("/{sid}/{party}/timeline", responses=NAMED)
async def timeline(
    store: Store, sid: Sid, party: Party, from_ms: From = None, to: To = None, limit: Limit = 1000
) -> Timeline:
    """Return the final windows of a party in order, page by page: `next_from` is `from` of the next."""
    finals, next_from = await _finals(store, sid, party, (from_ms, to), limit)
    windows = [convert.window(fused) for fused in finals]
    return Timeline(session=sid, party=party, windows=windows, next_from=next_from)


@data.get("/{sid}/{party}/modalities", responses=NAMED)
async def modalities(
    store: Store, sid: Sid, party: Party, from_ms: From = None, to: To = None, limit: Limit = 1000
) -> Modalities:
    """Return what each modality brought to each final window, in columns like `video_weight`."""
    finals, next_from = await _finals(store, sid, party, (from_ms, to), limit)
    windows = [convert.modalities(fused) for fused in finals]
    return Modalities(session=sid, party=party, windows=windows, next_from=next_from)


@data.get("/{sid}/{party}/latest", responses=NAMED)
async def latest(store: Store, sid: Sid, party: Party) -> Latest:
    """Return the newest window of a party; an early one may still be revised."""
    newest = await asked(store.latest(sid, party))
    if newest is None:
        raise await _unknown(store, sid, party)
    return convert.latest(newest)


@health.get("/livez")
async def livez() -> Health:
    """Say that the process answers, whatever it depends on."""
    return Health(version=VERSION)


@health.get("/readyz", responses=AWAY)
@health.get("/healthz", responses=AWAY)
async def readyz(store: Store) -> Health:
    """Say that the process answers and the store does."""
    await asked(store.ping())
    return Health(version=VERSION)


async def asked(answer: Awaitable[T], within_s: float = ANSWER_S) -> T:
    """Return what the store answers; raises Unavailable where that takes too long."""
    try:
        async with asyncio.timeout(within_s):
            return await answer
    except TimeoutError:
        raise Unavailable(f"no answer from the Redis within {within_s:g} s") from None


async def known(store: kept.FusedStore, sid: str) -> kept.Session:
    """Return a session, or refuse with 404."""
    found = await asked(store.session(sid))
    if found is None:
        raise HTTPException(404, f"there is no session {sid!r}: it has not begun, has expired or was purged")
    return found


async def _unknown(store: kept.FusedStore, sid: str, party: Party) -> HTTPException:
    """Return the refusal that says which parties there are; raises the one for an unknown session."""
    there = ", ".join((await known(store, sid)).parties)
    return HTTPException(404, f"session {sid!r} has no party {party!r}; it has {there}")


async def _rows(store: kept.FusedStore, session: kept.Session) -> list[PartyRow]:
    rows = []
    for party, span in session.parties.items():
        newest = await asked(store.latest(session.session_id, party))
        ends = (span.first_end_ms, span.last_end_ms)
        rows.append(convert.party_row(session.session_id, party, ends, newest))
    return rows


async def _finals(
    store: kept.FusedStore, sid: str, party: Party, between: tuple[int | None, int | None], limit: int
) -> tuple[list[FusedEmotion], int | None]:
    start_ms, end_ms = between
    if start_ms is not None and end_ms is not None and start_ms > end_ms:
        raise HTTPException(422, "query from: lies after query to")
    finals = await asked(store.finals(sid, party, start_ms, end_ms, limit + 1))
    if not finals and party not in (await known(store, sid)).parties:
        raise await _unknown(store, sid, party)
    more = len(finals) > limit
    page = finals[:limit]
    return page, page[-1].end_ms if more else None
