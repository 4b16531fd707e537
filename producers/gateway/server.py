"""The gateway's transports: one ASGI application for WebSockets, and a TCP server for AudioSocket."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

import structlog
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketState

from affectstream.producers.gateway.admission import twilio_signed
from affectstream.producers.gateway.audiohook_request import AudioHookRequests
from affectstream.producers.gateway.audiosocket import REFUSAL, AudioSocket
from affectstream.producers.gateway.connection import Connection
from affectstream.producers.gateway.events import StreamProtocol
from affectstream.producers.gateway.gate import Gate
from affectstream.producers.gateway.plain import Plain
from affectstream.producers.gateway.twilio import Twilio
from affectstream.runtime.metrics import GATEWAY_REFUSED
from affectstream.runtime.settings import GatewaySettings
from affectstream.runtime.settings.gateway import LOOPBACK
from affectstream.schemas.errors import AffectError

POLICY_VIOLATION, INTERNAL_ERROR, NORMAL = 1008, 1011, 1000
READ_BYTES = 8192
LINGER_S = 1.0

log = structlog.get_logger(__name__)

Verify = Callable[[WebSocket, GatewaySettings], str]
"""Returns why a request is refused, "" where it is admitted."""
Speaking = Callable[[WebSocket], StreamProtocol]
STATUS = {"bad_request": 400, "not_signed": 401}


def application(gate: Gate) -> Starlette:
    """Return the application with a path per protocol."""
    settings = gate.settings.gateway
    tracks = {"inbound": settings.inbound, "outbound": settings.outbound}
    audiohook = AudioHookRequests(gate.settings, time.time)
    return Starlette(
        routes=[
            _route("/twilio", gate, lambda _: Twilio(tracks), _signed),
            _route("/audiohook", gate, lambda s: audiohook.protocol(s.headers), _genesys(audiohook)),
            _route("/stream", gate, lambda _: Plain(), _guarded),
        ]
    )


def _route(path: str, gate: Gate, protocol: Speaking, verify: Verify) -> WebSocketRoute:
    async def endpoint(socket: WebSocket) -> None:
        await _serve(socket, path.strip("/"), gate, protocol, verify)

    return WebSocketRoute(path, endpoint)


def _guarded(socket: WebSocket, settings: GatewaySettings) -> str:
    """Admit a stream that will be asked for a token, or comes from a program on this machine."""
    return "" if settings.token is not None or _inside(socket, settings) else "not_admitted"


def _inside(socket: WebSocket, settings: GatewaySettings) -> bool:
    """Say whether a stream comes from a program on this machine.

    A page in a browser on this machine comes from anywhere, and names its origin.
    """
    return settings.host in LOOPBACK and settings.public_url is None and "origin" not in socket.headers


def _target(socket: WebSocket) -> str:
    return socket.url.path + (f"?{socket.url.query}" if socket.url.query else "")


def _signed(socket: WebSocket, settings: GatewaySettings) -> str:
    """Admit a request that Twilio signed; where no auth token is set, a token must guard it."""
    if settings.twilio_token is None:
        return _guarded(socket, settings)
    url, signature = f"{settings.public_url}{_target(socket)}", socket.headers.get("x-twilio-signature", "")
    return "" if twilio_signed(settings.twilio_token.get_secret_value(), url, signature) else "not_admitted"


def _genesys(requests: AudioHookRequests) -> Verify:
    """Admit a request that Genesys signed; where no key is set, one from this machine."""

    def verify(socket: WebSocket, settings: GatewaySettings) -> str:
        if settings.audiohook_key is None and not _inside(socket, settings):
            return "not_admitted"
        return requests.refusal(socket.headers, _target(socket))

    return verify


async def _serve(socket: WebSocket, name: str, gate: Gate, protocol: Speaking, verify: Verify) -> None:
    """Serve one WebSocket; refuses it before the handshake where it is not signed, or none has a place."""
    if reason := verify(socket, gate.settings.gateway):
        await _deny(socket, name, STATUS.get(reason, 403), reason)
        return
    with gate.places.connected() as free:
        if not free or gate.stopping.is_set():
            await _deny(socket, name, 503, "full")
            return
        await socket.accept()
        code = await _driven(socket, Connection(name, protocol(socket), gate, _replying(socket)))
    if socket.client_state is socket.application_state is WebSocketState.CONNECTED:
        with suppress(RuntimeError):  # it was closed meanwhile
            await socket.close(code)


async def _driven(socket: WebSocket, connection: Connection) -> int:
    """Run a connection to its end; returns the code to close it with."""

    async def receive() -> str | bytes | None:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            return None
        found: str | bytes = message["text"] if message.get("text") is not None else message["bytes"]
        return found

    try:
        async with connection:
            await connection.run(receive)
        await connection.linger(receive)
    except AffectError as error:
        log.error("stream_broken", why=str(error))
        return INTERNAL_ERROR
    return POLICY_VIOLATION if connection.refusal else NORMAL


def _replying(socket: WebSocket) -> Callable[[str | bytes], Awaitable[None]]:
    async def reply(data: str | bytes) -> None:
        await (socket.send_text(data) if isinstance(data, str) else socket.send_bytes(data))

    return reply


async def _deny(socket: WebSocket, name: str, status: int, reason: str) -> None:
    GATEWAY_REFUSED.labels(name, reason).inc()
    log.warning("stream_refused", protocol=name, reason=reason)
    headers: Mapping[str, str] = {"Retry-After": "5"} if status == 503 else {}
    await socket.send_denial_response(PlainTextResponse(f"{reason}\n", status, headers))


class AudioSocketServer:
    """The TCP server of AudioSocket, while its context is open."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def listen(self, host: str, port: int) -> asyncio.Server:
        """Begin to listen; raises OSError."""
        return await asyncio.start_server(self._accept, host, port)

    async def drain(self, timeout_s: float) -> None:
        """Close all connections, and wait until their sessions are ended."""
        for writer in self._writers:
            writer.close()  # what was received is still read
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=timeout_s)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        self._writers.add(writer)
        try:
            with self._gate.places.connected() as free:
                await self._run(reader, writer, free)
        finally:
            self._tasks.discard(task)
            self._writers.discard(writer)
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _run(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, free: bool) -> None:
        if not free:
            GATEWAY_REFUSED.labels("audiosocket", "full").inc()
            log.warning("stream_refused", protocol="audiosocket", reason="full")
            writer.write(REFUSAL)
            await _linger(reader, writer)
            return

        async def receive() -> bytes | None:
            with suppress(OSError):
                return await reader.read(READ_BYTES) or None
            return None

        async def reply(data: str | bytes) -> None:
            writer.write(data.encode() if isinstance(data, str) else data)

        protocol = AudioSocket(self._gate.settings.gateway.audiosocket_party)
        try:
            async with Connection("audiosocket", protocol, self._gate, reply) as connection:
                await connection.run(receive)
            if connection.refusal:
                await _linger(reader, writer)
        except AffectError as error:
            log.error("stream_broken", why=str(error))


async def _linger(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Let the other side read a refusal: closing with its data unread would take it back."""
    with suppress(OSError, TimeoutError):
        writer.write_eof()
        async with asyncio.timeout(LINGER_S):
            while await reader.read(READ_BYTES):
                pass
