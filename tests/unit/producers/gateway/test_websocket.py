"""The WebSocket server against raw frames: messages whole and in order, faults closed by their codes."""

import asyncio
import ssl
import struct
from contextlib import asynccontextmanager
from socket import SO_LINGER, SOL_SOCKET

import pytest
from support.kafka_server import certificate

from affectstream.producers.gateway.__main__ import tls
from affectstream.producers.gateway.events import Texts
from affectstream.producers.gateway.requests import Answer
from affectstream.producers.gateway.websocket import LONGEST_GATHERED, MOST_GATHERED, MOST_WAITING, Socket
from affectstream.producers.gateway.websocket_server import WebSocketServer
from affectstream.runtime.settings import load

REQUEST = (
    b"GET %b HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
CONTINUATION, TEXT, BINARY, CLOSE, FIN = 0, 1, 2, 8, 0x80


def frame(kind, payload, fin=True):
    """A masked frame; the mask is zero."""
    size = bytes((0x80 | len(payload),)) if len(payload) < 126 else b"\xfe" + len(payload).to_bytes(2, "big")
    return bytes((FIN * fin | kind,)) + size + bytes(4) + payload


class Held:
    """A round, which ends when the test says so."""

    def __init__(self):
        self.connections, self.turns = 0, []

    def ask(self, turn):
        self.turns.append(turn)

    def end(self):
        turns, self.turns = self.turns, []
        for turn in turns:
            turn()


class Taken:
    """What a served connection received, and how it answers what it is offered."""

    def __init__(self, offer=None, gathers=False):
        self.offer, self.gathers, self.found, self.over = offer, gathers, [], asyncio.Event()
        self.rounds = Held()
        self.may_read = asyncio.Event()
        self.may_read.set()
        self.socket = None

    async def serve(self, socket):
        self.socket, socket.offer, socket.gathers = socket, self.offer, self.gathers
        await self.may_read.wait()
        while (data := await socket.receive()) is not None:
            self.found.append(data)
        self.over.set()
        return 1000


@asynccontextmanager
async def connected(taken, path=b"/here"):
    def route(request):
        if request.path == "/broken":
            raise RuntimeError("a secret")
        return Socket(request, taken.serve, taken.rounds) if request.path == "/here" else Answer(404)

    made = WebSocketServer(route)
    server = await made.listen("127.0.0.1", 0, None)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    writer.write(REQUEST % path)
    try:
        yield reader, writer, made
    finally:
        writer.close()
        await made.drain(5)
        server.close()


async def upgraded(reader):
    assert b" 101 " in await reader.readuntil(b"\r\n\r\n")


async def closed_with(reader):
    """The code of the closing frame."""
    head = await asyncio.wait_for(reader.readexactly(2), 5)
    assert head[0] == FIN | CLOSE
    return int.from_bytes(await reader.readexactly(2), "big")


@pytest.mark.parametrize(
    ("sent", "found"),
    [
        (frame(TEXT, b"one") + frame(BINARY, b"two"), ["one", b"two"]),
        (frame(TEXT, b"in ", False) + frame(CONTINUATION, b"parts"), ["in parts"]),
        (frame(BINARY, b"a", False) + frame(CONTINUATION, b"b", False) + frame(CONTINUATION, b"c"), [b"abc"]),
        (frame(TEXT, "\xe4".encode()[:1], False) + frame(CONTINUATION, "\xe4".encode()[1:]), ["\xe4"]),
    ],
)
async def test_messages_come_whole_whatever_frames_they_are_in(sent, found):
    taken = Taken()
    async with connected(taken) as (reader, writer, _):
        await upgraded(reader)
        for at in range(0, len(sent), 5):  # in reads of any size
            writer.write(sent[at : at + 5])
            await writer.drain()
        writer.write(frame(CLOSE, (1000).to_bytes(2, "big")))
        await asyncio.wait_for(taken.over.wait(), 5)
    assert taken.found == found


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (frame(TEXT, b"\xff\xfe"), 1007),
        (frame(CONTINUATION, b"of nothing"), 1002),
        (frame(TEXT, b"one", False) + frame(TEXT, b"two"), 1002),
        ((frame(TEXT, b"a", False) + frame(CONTINUATION, b"", False) * 1100), 1009),
    ],
)
async def test_what_breaks_the_protocol_is_closed_by_its_code(sent, code):
    taken = Taken()
    async with connected(taken) as (reader, writer, _):
        await upgraded(reader)
        writer.write(sent)
        assert await closed_with(reader) == code
        await asyncio.wait_for(taken.over.wait(), 5)


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"", 1000),
        ((1000).to_bytes(2, "big"), 1000),
        ((1001).to_bytes(2, "big") + b"bye", 1001),
        ((4000).to_bytes(2, "big"), 1000),
        *(((code).to_bytes(2, "big"), 1002) for code in (0, 999, 1005, 1006, 1015, 2999, 5000)),
        (b"\x03", 1002),
    ],
)
async def test_a_closing_frame_is_answered_by_a_code_that_may_be_sent(payload, code):
    taken = Taken()
    async with connected(taken) as (reader, writer, _):
        await upgraded(reader)
        writer.write(frame(CLOSE, payload))
        assert await closed_with(reader) == code
        await asyncio.wait_for(taken.over.wait(), 5)


@pytest.mark.parametrize(("path", "status"), [(b"/nowhere", b" 404 "), (b"/broken", b" 500 ")])
async def test_a_request_that_cannot_be_served_is_answered_without_its_reason(path, status):
    async with connected(Taken(), path) as (reader, _, _):
        answer = await asyncio.wait_for(reader.read(), 5)
    assert status in answer and b"secret" not in answer


async def test_with_a_certificate_a_client_that_knows_it_is_served_and_no_other(tmp_path):
    certificate(tmp_path)
    settings = load(gateway={"tls_certificate": tmp_path / "ca.pem", "tls_key": tmp_path / "key.pem"}).gateway
    server = await WebSocketServer(lambda _: Answer(404)).listen("127.0.0.1", 0, tls(settings))
    port = server.sockets[0].getsockname()[1]
    known = ssl.create_default_context(cafile=tmp_path / "ca.pem")
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=known)
    writer.write(REQUEST % b"/nowhere")
    assert b" 404 " in await reader.readuntil(b"\r\n\r\n")
    writer.close()
    with pytest.raises(ssl.SSLCertVerificationError):
        await asyncio.open_connection("127.0.0.1", port, ssl=ssl.create_default_context())
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(REQUEST % b"/nowhere")
    assert b"404" not in await asyncio.wait_for(reader.read(), 5)
    writer.close()
    server.close()


async def test_what_is_offered_stays_in_order_with_what_has_to_wait():
    """Every third message leaves something to do, and those behind it wait for it."""
    seen = []

    def offer(data):
        seen.append(data)
        return [data] if int(data) % 3 == 0 else None

    taken = Taken(offer)
    async with connected(taken) as (reader, writer, _):
        await upgraded(reader)
        for n in range(200):
            writer.write(frame(TEXT, str(n).encode()))
        writer.write(frame(CLOSE, b""))
        await asyncio.wait_for(taken.over.wait(), 5)
    assert seen == [str(n) for n in range(200)]
    assert taken.found == [[str(n)] for n in range(0, 200, 3)]


async def test_small_texts_are_taken_together_and_stay_in_order_with_all_else():
    seen = []
    taken = Taken(seen.append, gathers=True)
    long = "x" * (LONGEST_GATHERED + 1)
    many = Texts(["k"] * MOST_GATHERED)
    async with connected(taken) as (reader, writer, _):
        await upgraded(reader)
        writer.write(frame(TEXT, b"a") + frame(TEXT, b"b"))
        while not seen:
            await asyncio.sleep(0)
        writer.write(frame(TEXT, b"c"))
        for _ in range(100):
            await asyncio.sleep(0)
        assert seen == [("a", "b")]  # the rest is read once the round is over
        writer.write(frame(TEXT, b"d") + frame(BINARY, b"e"))
        writer.write(b"".join(frame(TEXT, each.encode()) for each in ("f", long, "g", "h")))
        writer.write(frame(TEXT, b"i", False) + frame(CONTINUATION, b"j") + frame(TEXT, b"k") * MOST_GATHERED)
        writer.write(frame(TEXT, b"l") + frame(CLOSE, b""))
        taken.rounds.end()
        await asyncio.wait_for(taken.over.wait(), 5)
    assert seen == [("a", "b"), ("c", "d"), b"e", ("f",), long, ("g", "h"), "ij", many, ("l",)]


async def test_what_a_client_sent_before_it_broke_off_is_taken_in_the_next_round():
    seen = []
    taken = Taken(seen.append, gathers=True)
    async with connected(taken) as (reader, writer, _):
        await upgraded(reader)
        writer.write(frame(TEXT, b"a"))
        while not seen:
            await asyncio.sleep(0)
        writer.write(frame(TEXT, b"b") + frame(TEXT, b"c"))
        writer.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
        await asyncio.sleep(0)  # the socket is closed by then
        async with asyncio.timeout(5):
            while (
                not taken.over.is_set()
            ):  # what was sent is read in one round, that it broke off in the next
                taken.rounds.end()
                await asyncio.sleep(0)
    assert seen == [("a",), ("b", "c")]


async def test_a_connection_whose_texts_cannot_be_taken_together_is_closed_and_no_other():
    def offer(data):
        if "bad" in data:
            raise RuntimeError("a secret")
        seen.append(data)

    seen, bad, good = [], Taken(offer, gathers=True), Taken(offer, gathers=True)
    async with connected(bad) as (reader, writer, _), connected(good) as (other, its, _):
        await upgraded(reader)
        await upgraded(other)
        writer.write(frame(TEXT, b"bad"))
        its.write(frame(TEXT, b"good"))
        assert await closed_with(reader) == 1011
        while not seen:
            await asyncio.sleep(0)
    assert seen == [("good",)]


async def test_a_connection_that_is_not_processed_is_not_read_and_loses_nothing():
    taken, big = Taken(), frame(BINARY, bytes(60_000))
    taken.may_read.clear()
    async with connected(taken) as (reader, writer, _):
        await upgraded(reader)
        writer.write(big * 400)
        while taken.socket is None or not taken.socket._full:
            await asyncio.sleep(0)
        assert len(taken.socket._waiting) < 4 * MOST_WAITING
        taken.may_read.set()
        await writer.drain()
        writer.write(frame(CLOSE, b""))
        await asyncio.wait_for(taken.over.wait(), 20)
    assert len(taken.found) == 400
