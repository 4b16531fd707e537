"""Webhooks: which events there are, how they are signed, and that each is delivered until it is taken."""

import asyncio
import hashlib
import hmac
import json

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
from support.session_lines import tenths

from affectstream.runtime.outbox import Waiting
from affectstream.schemas.messages import ModalityState
from affectstream.workers.webhook import GIVE_UP_S, LONGEST_WAIT_S, Delivery, begun, ended, posting, signature

LINE = tenths("123")


def test_a_call_begins_with_its_first_window_and_ends_with_the_last_of_all_streams():
    first, *_, last = LINE
    assert begun(first, "r1") == {
        "id": "call.begun/call/customer/r1",
        "type": "call.begun",
        "session": "call",
        "party": "customer",
        "at_ms": first.start_ms,
    }
    over, goes_on = (
        ModalityState(modality=m, state="missing", stream=stream)
        for m, stream in (("audio", "ended"), ("text", "open"))
    )
    assert ended(last.model_copy(update={"modalities": (over, goes_on)}), "") is None
    event = ended(last.model_copy(update={"modalities": (over,)}), "")
    assert event is not None and event["at_ms"] == last.end_ms


def test_the_signature_is_the_hmac_of_time_and_body():
    expected = hmac.new(b"secret", b'17.{"a":1}', hashlib.sha256).hexdigest()
    assert signature("secret", "17", b'{"a":1}') == f"sha256={expected}"


class Box:
    """An outbox that holds events until they are done, and ends the delivery when none is left."""

    def __init__(self, *types: str) -> None:
        self.waiting = [Waiting(str(i), {"id": str(i), "type": kind}) for i, kind in enumerate(types)]

    async def take(self, count: int, wait_ms: int) -> list[Waiting]:
        if not self.waiting:
            raise asyncio.CancelledError
        return list(self.waiting)

    async def done(self, event: Waiting) -> None:
        self.waiting.remove(event)


@pytest.mark.parametrize(("refusals", "posted"), [(0, "ab"), (3, "aaaab"), (12, "a" * 13 + "b")])
async def test_an_event_is_posted_until_it_is_taken_ever_less_often(refusals: int, posted: str):
    bodies, waits, now_s = [], [], 0.0

    async def post(body: bytes, headers: dict[str, str]) -> bool:
        assert headers["X-Affectstream-Signature"] == signature(
            "s", headers["X-Affectstream-Timestamp"], body
        )
        bodies.append(json.loads(body)["type"])
        return len(bodies) > refusals

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    with pytest.raises(asyncio.CancelledError):
        await Delivery(Box("a", "b"), post, "s", sleep, lambda: now_s).run()  # type: ignore[arg-type]
    assert "".join(bodies) == posted
    assert waits == [min(2.0**i, LONGEST_WAIT_S) for i in range(refusals)]


async def test_an_event_that_nobody_takes_for_a_day_is_given_up():
    now_s = 0.0

    async def post(body: bytes, headers: dict[str, str]) -> bool:
        return False

    async def sleep(seconds: float) -> None:
        nonlocal now_s
        now_s += seconds

    box = Box("a")
    with pytest.raises(asyncio.CancelledError):
        await Delivery(box, post, "s", sleep, lambda: now_s).run()  # type: ignore[arg-type]
    assert not box.waiting
    assert now_s > GIVE_UP_S


async def test_a_receiver_gets_the_body_as_signed_and_a_redirect_or_an_error_is_no_success():
    got = []

    async def receive(request: web.Request) -> web.Response:
        got.append((request.headers["X-Affectstream-Id"], await request.read()))
        return web.Response(status=int(request.match_info["status"]), headers={"Location": "/204"})

    app = web.Application()
    app.router.add_post("/{status}", receive)
    async with TestServer(app) as server, ClientSession() as session:
        for status, taken in ((204, True), (302, False), (500, False)):
            post = posting(session, str(server.make_url(f"/{status}")))
            assert await post(b"body", {"X-Affectstream-Id": "1"}) is taken
        assert got == [("1", b"body")] * 3
        nobody = server.make_url("/204")
    async with ClientSession() as session:
        assert not await posting(session, str(nobody))(b"body", {})
