"""Who is admitted at the gateway's door: by address, by credential, and whose address a proxy names."""

import asyncio
import json

import pytest
from support.audiohook import EXTERNAL, ORGANIZATION, SESSION, Client
from support.audiohook_schema import server_message
from support.gateway import Broker, Wire, gate

from affectstream.producers.gateway.admission import twilio_signature
from affectstream.producers.gateway.requests import Answer, Request
from affectstream.producers.gateway.server import INTERNAL_ERROR, TRY_AGAIN_LATER, client, routes
from affectstream.schemas.errors import Unavailable

TWILIO = {"public_url": "wss://calls.example.com", "twilio_token": "an auth token of nobody"}
SIGNATURE = twilio_signature(TWILIO["twilio_token"], "wss://calls.example.com/twilio")


async def connect(route, address, signature=SIGNATURE):
    """Return the code that a connection is closed with, or the status that it is refused with."""
    socket = route(Request("/twilio", "", {"x-twilio-signature": signature}))
    if isinstance(socket, Answer):
        return socket.status
    socket.address = address
    socket.stop()
    return await socket._serve(socket)


def test_one_credential_is_limited_over_all_addresses_and_only_by_what_it_signed():
    route = routes(gate(Broker(), new_per_credential=4, **TWILIO))

    async def codes():
        forged = [await connect(route, "9.9.9.9", "forged") for _ in range(9)]
        return forged, [await connect(route, f"10.0.0.{n}") for n in range(3)]

    assert asyncio.run(codes()) == ([403] * 9, [1000, 1000, TRY_AGAIN_LATER])


def test_one_address_is_limited_whatever_it_signed():
    route = routes(gate(Broker(), new_per_minute=4, **TWILIO))

    async def codes():
        return [await connect(route, address) for address in ("1.1.1.1", "1.1.1.1", "1.1.1.1", "2.2.2.2")]

    assert asyncio.run(codes()) == [1000, 1000, TRY_AGAIN_LATER, 1000]


GENESYS = {
    "audiohook-organization-id": ORGANIZATION,
    "audiohook-session-id": SESSION,
    "audiohook-correlation-id": SESSION,
}


class Lost(Broker):
    """Takes messages, and loses them."""

    async def _acknowledged(self):
        raise Unavailable("the broker has gone")


async def test_a_session_of_genesys_whose_broker_is_lost_is_ended_as_its_protocol_has_it():
    client, got = Client(media=[EXTERNAL]), []
    socket = routes(gate(Lost()))(Request("/audiohook", "", GENESYS))
    socket._transport = Wire(lambda data: got.append(server_message(data)))
    serving = asyncio.create_task(socket._serve(socket))
    for message in (json.dumps(client.message("open", **client.opening)), *[bytes([0xFF]) * 8_000] * 12):
        socket._take(message)
        await asyncio.sleep(0)
    async with asyncio.timeout(5):
        while len(got) < 2:
            await asyncio.sleep(0)
    assert got[1]["type"] == "disconnect"
    assert got[1]["parameters"] == {"reason": "error", "info": "not processed"}
    socket._take(json.dumps(client.message("close", reason="disconnect")))
    socket.stop()
    assert (await serving, got[2]["type"]) == (INTERNAL_ERROR, "closed")


@pytest.mark.parametrize(
    ("header", "value", "found"),
    [
        (None, "1.2.3.4", "10.0.0.1"),  # whoever names an address unasked is not believed
        ("x-forwarded-for", "1.2.3.4", "1.2.3.4"),
        ("x-forwarded-for", "6.6.6.6, 1.2.3.4", "1.2.3.4"),  # the proxy writes last
        ("x-forwarded-for", "", "10.0.0.1"),
    ],
)
def test_the_address_is_the_connections_or_what_the_proxy_names(header, value, found):
    assert client("10.0.0.1", {"x-forwarded-for": value}, header) == found
