"""The routes of server-sent events, and the live view that all their clients share: one reader of the store.

A client keeps no queue. It knows how far it has come, and reads what is newer from what is shared here: rows
by their version, windows and alerts of a session by their times. One that fell behind what is kept of a
session reads the rest from the store, as one does that connects again.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, Header, Query, Request

from affectstream.dashboards.eventstream import (
    HEARTBEAT,
    HEARTBEAT_S,
    HELLO,
    Cursor,
    EventStream,
    event,
    resumed,
)
from affectstream.dashboards.listing import Known
from affectstream.dashboards.reader import Reader
from affectstream.dashboards.responses import Changes
from affectstream.dashboards.roster import Roster
from affectstream.dashboards.routes import DATA, MAX_MS, NAMED, Data, Sid
from affectstream.dashboards.tail import Tail
from affectstream.runtime.metrics import API_STREAMS
from affectstream.schemas.errors import Unavailable

log = structlog.get_logger(__name__)

TICK_S = 0.5  # between two looks at the store: at most two events of rows a second for a client

News = Callable[[], AsyncIterator[bytes]]


class Feed:
    """What event streams send, read from when the first client comes to when the last one goes."""

    def __init__(self, roster: Roster, reader: Reader, tick_s: float = TICK_S) -> None:
        self._roster, self._reader, self._tick_s = roster, reader, tick_s
        self._clients = 0
        self._task: asyncio.Task[None] | None = None
        self._tails: dict[str, Tail] = {}
        self._looked = asyncio.Condition()
        self._looks = 0
        self._closed = False

    async def aclose(self) -> None:
        """End all streams."""
        self._closed = True
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        async with self._looked:
            self._looked.notify_all()

    async def rows(self, last_id: str | None) -> AsyncIterator[bytes]:
        """Yield events of rows: all at first or those that changed after ``last_id``, then as they change."""
        epoch, _, version = (last_id or "").partition("-")
        seen = int(version) if epoch == self._roster.epoch and version.isdecimal() else -1

        async def news() -> AsyncIterator[bytes]:
            nonlocal seen
            if seen == self._roster.version:
                return
            rows, gone = self._roster.since(seen)
            seen = self._roster.version
            data = Changes(sessions=rows, gone=gone).model_dump_json()
            yield event("rows", data, f"{self._roster.epoch}-{seen}")

        async for found in self._stream(news):
            yield found

    async def session(self, sid: str, cursor: Cursor) -> AsyncIterator[bytes]:
        """Yield the events of a session after ``cursor``: final and early windows, alerts, rows."""
        with self._tailed(sid) as tail:
            async for found in self._stream(lambda: tail.after(cursor)):
                yield found
                if cursor.over:
                    return

    async def _stream(self, news: News) -> AsyncIterator[bytes]:
        """Yield what ``news`` yields after every look at the store, and heartbeats where that is nothing."""
        looks, quiet_since_s = -1, time.monotonic()
        with self._client():
            yield HELLO
            while not self._closed:
                before, looks = looks, await self._next_look(looks)
                if looks != before:
                    with suppress(Unavailable):  # what was not read is read after the next look
                        async for found in news():
                            quiet_since_s = time.monotonic()
                            yield found
                if time.monotonic() - quiet_since_s >= HEARTBEAT_S:
                    quiet_since_s = time.monotonic()
                    yield HEARTBEAT

    async def _next_look(self, seen: int) -> int:
        """Return the number of the newest look at the store: after ``seen``, unless none ends in time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(HEARTBEAT_S), self._looked:
                await self._looked.wait_for(lambda: self._closed or (self._looks and self._looks != seen))
        self._look_on()
        return self._looks or seen

    @contextmanager
    def _client(self) -> Iterator[None]:
        self._clients += 1
        API_STREAMS.inc()
        self._look_on()
        try:
            yield
        finally:
            self._clients -= 1
            API_STREAMS.dec()

    @contextmanager
    def _tailed(self, sid: str) -> Iterator[Tail]:
        tail = self._tails.setdefault(sid, Tail(sid, self._roster, self._reader))
        tail.clients += 1
        try:
            yield tail
        finally:
            tail.clients -= 1
            if not tail.clients:
                self._tails.pop(sid, None)

    def _look_on(self) -> None:
        if not self._closed and (self._task is None or self._task.done()):
            self._looks = 0
            self._task = asyncio.create_task(self._look())

    async def _look(self) -> None:
        """Look at the store while there are clients."""
        while self._clients:
            try:
                await self._roster.refresh()
                for tail in list(self._tails.values()):
                    await tail.refresh()
            except Unavailable as error:
                log.warning("no_answer", why=str(error))
            else:
                self._looks += 1
                async with self._looked:
                    self._looked.notify_all()
            await asyncio.sleep(self._tick_s)


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
    return EventStream(feed.session(sid, resumed(last_id, from_ms)))
