"""Simulated calls on their way to a gateway: over a WebSocket, as a session that is answered, over TCP."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI

from affectstream.producers.gateway.audiohook_client import AudioHookClient, Identity
from affectstream.producers.gateway.audiosocket import WHOSE
from affectstream.schemas.errors import InputError, Unavailable

Timed = Iterator[tuple[int, str | bytes]]
"""Messages, each with when it is sent, in ms after the beginning of the stream."""
Write = Callable[[str | bytes], Awaitable[None]]

Results = Iterator[tuple[int, str]]
"""Messages, each with when it is sent, in ms after the beginning of the call."""
Headers = Callable[[Identity], Mapping[str, str]]

ANSWER_S = 10.0


async def websocket(url: str, headers: Mapping[str, str], messages: Timed, speed: float) -> None:
    """Send a stream that is not answered; raises InputError, Unavailable."""
    async with _connected(url, headers) as socket:
        await _paced(messages, speed, socket.send)
        await socket.wait_closed()
        if socket.close_code != 1000:
            raise Unavailable(f"{url}: the gateway ended the call (WebSocket code {socket.close_code})")


async def words(url: str, start: Mapping[str, object], results: Results, speed: float) -> None:
    """Send words beside a call that goes on, from where it is; raises InputError, Unavailable."""
    async with _connected(url, {}) as socket:
        await socket.send(json.dumps({"type": "start", **start}))
        try:
            async with asyncio.timeout(ANSWER_S):
                answer = json.loads(await socket.recv())
        except TimeoutError:
            raise Unavailable(f"{url}: the gateway does not answer") from None
        if answer["type"] != "started":
            raise Unavailable(f"{url}: the gateway refused the words ({answer.get('reason')})")
        at_ms = answer["at_ms"]
        to_come = ((max(0, ms - at_ms), message) for ms, message in results if ms > at_ms)
        await _paced(to_come, speed, socket.send)
        await socket.send(json.dumps({"type": "stop"}))
        await socket.wait_closed()
        if socket.close_code != 1000:
            raise Unavailable(f"{url}: the gateway ended the words (WebSocket code {socket.close_code})")


async def session(url: str, headers: Headers, client: AudioHookClient, speed: float) -> AudioHookClient:
    """Send a call by AudioHook, over several sessions where the other side asks for another.

    Returns the client of the last one. Raises InputError, Unavailable.
    """
    while True:
        try:
            async with _connected(url, headers(client.identity)) as socket:
                await _one_session(url, socket, client, speed)
        finally:
            if client.fault:
                raise Unavailable(f"{url}: the gateway ended the session ({client.fault})") from None
        if client.ending != "reconnect":
            return client
        client = client.next_session()


async def _one_session(url: str, socket: ClientConnection, client: AudioHookClient, speed: float) -> None:
    await socket.send(client.open())
    reading = None
    try:
        async with asyncio.timeout(ANSWER_S):
            await _until(socket, client, lambda: client.channels is not None or bool(client.ending))
        reading = asyncio.create_task(_until(socket, client, lambda: client.closed))
        await _paced(client.stream(), speed, _unless_over(socket, reading))
        await socket.send(client.close())
        async with asyncio.timeout(ANSWER_S):
            await reading
    except TimeoutError:
        raise Unavailable(f"{url}: the gateway does not answer") from None
    finally:
        if reading:
            reading.cancel()


def _unless_over(socket: ClientConnection, reading: asyncio.Task[None]) -> Write:
    """Return how a message is sent, unless the other side ended the session."""

    async def write(message: str | bytes) -> None:
        if reading.done():
            reading.result()
        if message:
            await socket.send(message)

    return write


async def _until(socket: ClientConnection, client: AudioHookClient, reached: Callable[[], bool]) -> None:
    while not reached():
        message = await socket.recv()
        if isinstance(message, bytes):
            raise Unavailable("the gateway broke the protocol: it sent a binary message")
        client.receive(message)


async def tcp(host: str, port: int, messages: Timed, speed: float) -> None:
    """Send a stream over TCP; raises Unavailable."""
    try:
        reader, writer = await asyncio.open_connection(host, port)
    except OSError:
        raise Unavailable(f"{host}:{port}: no gateway answers; start `affectstream gateway`") from None

    async def write(message: str | bytes) -> None:
        assert isinstance(message, bytes)
        writer.write(message)
        await writer.drain()

    try:
        await _paced(messages, speed, write)
        answer = await reader.read()
    except OSError:
        raise Unavailable(f"{host}:{port}: the gateway ended the call") from None
    finally:
        writer.close()
    if answer == WHOSE:
        raise Unavailable(
            f"{host}:{port}: the gateway refuses sound that nobody says whose it is; set "
            "gateway.audiosocket_party there, to `other` where it mixes both parties"
        )
    if answer:
        raise Unavailable(f"{host}:{port}: the gateway refused the call")


async def _paced(messages: Timed, speed: float, write: Write) -> None:
    began_s = time.monotonic()
    for at_ms, message in messages:
        wait_s = began_s + at_ms / 1000 / speed - time.monotonic()
        if wait_s > 0:
            await asyncio.sleep(wait_s)
        await write(message)


@asynccontextmanager
async def _connected(url: str, headers: Mapping[str, str]) -> AsyncIterator[ClientConnection]:
    try:
        async with connect(url, additional_headers=headers, ping_interval=None, proxy=None) as socket:
            yield socket
    except InvalidStatus as error:
        text = (error.response.body or b"").decode(errors="replace").strip()
        raise Unavailable(f"{url}: refused with {error.response.status_code} {text}") from None
    except ConnectionClosed as error:
        code = error.rcvd.code if error.rcvd else "none"
        raise Unavailable(f"{url}: the gateway ended the call (WebSocket code {code})") from None
    except InvalidURI:
        raise InputError(f"{url}: a WebSocket URL begins with ws:// or wss://") from None
    except (OSError, InvalidHandshake):
        raise Unavailable(f"{url}: no gateway answers; start one with `affectstream gateway`") from None
