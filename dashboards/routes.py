"""Routes of the JSON API."""

import asyncio
from importlib.metadata import version
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, HTTPException, Path, Query, Request, Response

from affectstream.analytics.alerts import in_order
from affectstream.analytics.records import Summary
from affectstream.analytics.summary import summarise
from affectstream.analytics.turns import Conversation, conversation
from affectstream.dashboards import convert
from affectstream.dashboards.buckets import Buckets, length_ms
from affectstream.dashboards.buckets import buckets as in_buckets
from affectstream.dashboards.reader import Reader
from affectstream.dashboards.responses import (
    Alerts,
    Health,
    Latest,
    Modalities,
    Problem,
    Timeline,
)
from affectstream.schemas.fields import SessionId
from affectstream.schemas.messages import Party

Responses = dict[int | str, dict[str, Any]]

VERSION = version("affectstream")
MAX_WINDOWS = 10_000
MAX_MS = 253_402_300_800_000  # the year 10,000: a later time is in another unit

AWAY: Responses = {503: {"model": Problem, "description": "the store does not answer"}}
DATA: Responses = AWAY | {
    401: {"model": Problem, "description": "the bearer token is missing or wrong"},
    422: {"model": Problem, "description": "a parameter that cannot be"},
}
NAMED: Responses = DATA | {404: {"model": Problem, "description": "no such session or party is kept"}}


def check_range(from_ms: int | None, to: int | None) -> None:
    """Refuse a range that ends before it begins."""
    if from_ms is not None and to is not None and from_ms > to:
        raise HTTPException(422, "query from: lies after query to")


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


@data.get("/{sid}/{party}/timeline", responses=NAMED)
async def timeline(
    reader: Data, sid: Sid, party: Party, from_ms: From = None, to: To = None, limit: Limit = 1000
) -> Timeline:
    """Return the final windows of a party in order, page by page: `next_from` is `from` of the next."""
    check_range(from_ms, to)
    finals, next_from = await reader.finals(sid, party, (from_ms, to), limit)
    windows = list(map(convert.window, finals, await reader.labels(finals)))
    return Timeline(session=sid, party=party, windows=windows, next_from=next_from)


@data.get("/{sid}/{party}/modalities", responses=NAMED)
async def modalities(
    reader: Data, sid: Sid, party: Party, from_ms: From = None, to: To = None, limit: Limit = 1000
) -> Modalities:
    """Return the evidence of each modality in each final window, in columns like `video_weight`."""
    check_range(from_ms, to)
    finals, next_from = await reader.finals(sid, party, (from_ms, to), limit)
    windows = list(map(convert.modalities, finals))
    return Modalities(session=sid, party=party, windows=windows, next_from=next_from)


@data.get("/{sid}/{party}/buckets", responses=NAMED, response_model=Buckets)
async def buckets(
    reader: Data,
    sid: Sid,
    party: Party,
    from_ms: From = None,
    to: To = None,
    points: Annotated[int, Query(ge=2, le=2_000, description="at most so many buckets")] = 300,
) -> Response:
    """Return a party's timeline in buckets of equal length: means, extremes, shares of displayed labels."""
    check_range(from_ms, to)
    found = (await reader.columns(sid, party)).between(from_ms, to)
    if not len(found):
        await reader.require(sid, party)
    span_ms = int(found["end_ms"][-1] - found["start_ms"][0]) if len(found) else 0
    bucket_ms = length_ms(span_ms, points)
    answer = {"session": sid, "party": party, "bucket_ms": bucket_ms, "buckets": in_buckets(found, bucket_ms)}
    return Response(msgspec.json.encode(answer), media_type="application/json")


@data.get("/{sid}/{party}/latest", responses=NAMED)
async def latest(reader: Data, sid: Sid, party: Party) -> Latest:
    """Return the newest window of a party; an early one may still be revised."""
    return convert.latest(*await reader.latest(sid, party))


@data.get("/{sid}/summary", responses=NAMED)
async def summary(reader: Data, sid: Sid) -> Summary:
    """Return per party: shares of time, quarters, change, turning points, contradictions."""
    return await asyncio.to_thread(summarise, await reader.all_finals(sid), reader.display)


@data.get("/{sid}/turns", responses=NAMED)
async def turns(reader: Data, sid: Sid) -> Conversation:
    """Return who spoke when with which emotions, and per party talk, interruptions, valence at the ends."""
    return await asyncio.to_thread(conversation, await reader.all_finals(sid), reader.display)


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
