"""The response of an event stream: a client that does not read it is cut off."""

import asyncio

import pytest

from affectstream.dashboards import eventstream
from affectstream.dashboards.eventstream import EventStream, event


async def test_a_client_that_takes_nothing_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(eventstream, "SEND_S", 0.01)
    ended = False

    async def events():
        nonlocal ended
        try:
            while True:
                yield event("rows", "{}", "1")
        finally:
            ended = True

    sent = []

    async def send(message):
        sent.append(message["type"])
        if len(sent) == 4:
            await asyncio.Event().wait()  # its buffer is full

    stream = events()
    async with asyncio.timeout(5):
        await EventStream(stream).stream_response(send)
    assert sent == ["http.response.start", *["http.response.body"] * 3]
    await stream.aclose()
    assert ended
