"""How soon a call is in `affectstream sessions`: measured, with room for a machine that is busy."""

import asyncio
import time

import numpy as np
import pytest
from support.genesys import session_of
from support.streamed import telephone
from websockets.asyncio.client import connect

from affectstream.producers.gateway.admission import new_token, twilio_signature
from affectstream.producers.gateway.simulators import twilio
from affectstream.runtime.store import FusedStore

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

ENOUGH_S = 30.0


async def test_a_call_is_listed_while_it_goes_on(gateway, record_property):
    took_s = [await listed_s(gateway, f"CAsoon{number}") for number in range(5)]
    record_property("first_frame_to_listed_s", took_s)
    assert max(took_s) < ENOUGH_S


async def listed_s(gateway, call_id):
    """Return how long after its first frame a call at real time is among the sessions."""
    pcm = np.rint(telephone(ENOUGH_S, 150.0) * 32768).astype("<i2")
    token = new_token(gateway.settings.gateway.token.get_secret_value(), time.time())
    key = gateway.settings.gateway.twilio_token.get_secret_value()
    headers = {"X-Twilio-Signature": twilio_signature(key, "wss://calls.example.com/twilio")}
    url = f"ws://127.0.0.1:{gateway.settings.gateway.port}/twilio"
    async with (
        FusedStore(gateway.settings.redis) as store,
        connect(url, additional_headers=headers, proxy=None) as socket,
    ):
        began_s = time.monotonic()
        speaking = asyncio.create_task(spoken(socket, twilio(call_id, {"inbound": pcm}, token), began_s))
        while session_of(call_id) not in [each.session_id for each in await store.sessions()]:
            assert not speaking.done(), gateway.complaint()
            await asyncio.sleep(0.02)
        took_s = time.monotonic() - began_s
        speaking.cancel()
    return took_s


async def spoken(socket, messages, began_s):
    for at_ms, message in messages:
        await asyncio.sleep(max(0.0, began_s + at_ms / 1000 - time.monotonic()))
        await socket.send(message)
