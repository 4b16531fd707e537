"""Server-sent events: how they are written, kept alive, ended where a client does not read, and resumed."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import structlog
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event
from starlette.responses import StreamingResponse
from starlette.types import Message, Send

from affectstream.schemas.messages import PARTIES, Party

log = structlog.get_logger(__name__)

HEARTBEAT_S = 15.0  # without an event for so long, a comment is sent: proxies cut what is silent
SEND_S = 20.0  # a client that takes nothing for so long is dropped; it resumes by Last-Event-ID
RETRY_MS = 2_000  # after which a client connects again

HEARTBEAT = KEEPALIVE_COMMENT
HELLO = format_sse_event(retry=RETRY_MS, comment="connected")

AlertPlace = tuple[int, int]  # the end of the window that decided, and the number among those of that window
NO_ALERT: AlertPlace = (-1, 0)
BY_LETTER: dict[str, Party] = {party[0]: party for party in PARTIES}
IDS = re.compile(r"([A-Za-z0-9._-]{0,32})((?:~[a-z]-?\d{1,16}\.-?\d{1,16}\.\d{1,9})*)")


def event(name: str, data: str, event_id: str | None = None) -> bytes:
    """Return an event as it is sent; ``data`` is JSON in one line."""
    return format_sse_event(data_str=data, event=name, id=event_id)


class EventStream(StreamingResponse):
    """Events as they come, to a client that reads them; a slow one is cut off."""

    media_type = "text/event-stream"

    def __init__(self, content: AsyncIterator[bytes], status_code: int = 200) -> None:
        super().__init__(content, status_code, headers={"X-Accel-Buffering": "no"})

    async def stream_response(self, send: Send) -> None:
        """Send all events, each within SEND_S."""

        async def in_time(message: Message) -> None:
            async with asyncio.timeout(SEND_S):
                await send(message)

        try:
            await super().stream_response(in_time)
        except TimeoutError:
            log.info("slow_reader_of_events_dropped")


@dataclass
class Cursor:
    """How far a client of a session has come: what of each party has been sent, of one run.

    `started` once that is known of all parties there are.
    """

    run: str = ""
    finals: dict[Party, int] = field(default_factory=dict)  # end of the last one
    alerts: dict[Party, AlertPlace] = field(default_factory=dict)
    started: bool = False
    over: bool = False  # the session is gone
    from_ms: int | None = None  # where one that has not started begins; None: with what is to come
    shown: dict[tuple[Party, str], Any] = field(default_factory=dict)  # rows and early panes; not resumed

    @property
    def id(self) -> str:
        """The cursor as text: the run, and per party the ends of the last final and of the last alert."""
        parts = [self.run]
        for party, end_ms in self.finals.items():
            at_ms, number = self.alerts.get(party, NO_ALERT)
            parts.append(f"{party[0]}{end_ms}.{at_ms}.{number}")
        return "~".join(parts)

    def restart(self, run: str) -> None:
        """Begin anew with another run of the session."""
        self.run, self.started = run, True
        self.finals, self.alerts, self.shown = {}, {}, {}


def resumed(text: str | None, from_ms: int | None = None) -> Cursor:
    """Return the cursor that an event's id says; one that begins at ``from_ms`` where that is no such id."""
    found = IDS.fullmatch(text or "")
    if not text or not found:
        return Cursor(from_ms=from_ms)
    cursor = Cursor(found[1], started=True)
    for part in found[2].split("~")[1:]:
        if party := BY_LETTER.get(part[0]):
            end_ms, at_ms, number = map(int, part[1:].split("."))
            cursor.finals[party], cursor.alerts[party] = end_ms, (at_ms, number)
    return cursor
