"""The routes of server-sent events: the list of sessions, and one session."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request

from affectstream.dashboards import cursor
from affectstream.dashboards.eventstream import EventStream
from affectstream.dashboards.feed import Feed
from affectstream.dashboards.listing import Known
from affectstream.dashboards.routes import DATA, MAX_MS, NAMED, Data, Sid


def _feed(request: Request) -> Feed:
    feed: Feed = request.app.state.feed
    return feed


Events = Annotated[Feed, Depends(_feed)]
LastId = Annotated[
    str | None, Header(alias="Last-Event-ID", max_length=200, description="goes on after this event")
]
From = Annotated[
    int | None,
    Query(alias="from", ge=0, le=MAX_MS, description="windows that end after it; none: from now on"),
]

streams = APIRouter(prefix="/api", tags=["events"])


@streams.get("/events", response_class=EventStream, responses=DATA)
async def events(feed: Events, last_id: LastId = None) -> EventStream:
    """Stream the list: `rows` holds all rows at first, then those that change, twice a second at most."""
    return EventStream(feed.rows(last_id))


@streams.get("/sessions/{sid}/events", response_class=EventStream, responses=NAMED)
async def session_events(
    feed: Events, reader: Data, roster: Known, sid: Sid, from_ms: From = None, last_id: LastId = None
) -> EventStream:
    """Stream a session: `window` for finals and `alert`, once each; `early`, `row`, `reset`, `gone`."""
    if sid not in roster.calls:
        await reader.session(sid)  # refuses an unknown one
        await roster.refresh(at_once=True)
    return EventStream(feed.session(sid, cursor.read(last_id, from_ms)))
