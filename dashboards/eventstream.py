"""Server-sent events: how they are written, kept alive, and ended where a client does not read them."""

import asyncio
from collections.abc import AsyncIterator

import structlog
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event
from starlette.responses import StreamingResponse
from starlette.types import Message, Send

log = structlog.get_logger(__name__)

HEARTBEAT_S = 15.0  # without an event for so long, a comment is sent: proxies cut what is silent
SEND_S = 20.0  # a client that takes nothing for so long is dropped; it resumes by Last-Event-ID
RETRY_MS = 2_000  # after which a client connects again

HEARTBEAT = KEEPALIVE_COMMENT
HELLO = format_sse_event(retry=RETRY_MS, comment="connected")


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
