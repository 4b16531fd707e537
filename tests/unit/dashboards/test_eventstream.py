"""An event stream: a client that does not read it is cut off, and one resumes by the ids of its events."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from affectstream.dashboards import eventstream
from affectstream.dashboards.eventstream import Cursor, EventStream, event, resumed
from affectstream.schemas.messages import PARTIES

ENDS = st.dictionaries(st.sampled_from(PARTIES), st.integers(-1, 1 << 50))


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


@given(st.from_regex(r"[A-Za-z0-9._-]{0,32}", fullmatch=True), ENDS, ENDS)
def test_an_id_gives_back_how_far_the_client_had_come(run, finals, alerts):
    places = {party: (end_ms, 1) for party, end_ms in alerts.items() if party in finals}
    there = Cursor(run, finals, places, started=True)
    found = resumed(there.id)
    if not there.id:
        return
    assert (found.run, found.finals, found.started) == (run, finals, True)
    assert {party: found.alerts[party] for party in places} == places


@pytest.mark.parametrize("text", [None, "", "a~c1", "run~c1.2.x", "run~z1.2.3\n", "x" * 33])
def test_what_is_no_id_begins_anew(text: str | None):
    assert resumed(text, 7) == Cursor(from_ms=7)
