"""What the gateway answers on its port: a path per protocol; and the TCP server of AudioSocket."""

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

import structlog

from affectstream.producers.gateway.admission import twilio_signed
from affectstream.producers.gateway.audiohook_request import AudioHookRequests
from affectstream.producers.gateway.audiosocket import REFUSAL, AudioSocket
from affectstream.producers.gateway.beside import WordsBeside
from affectstream.producers.gateway.call_plan import OneChannel
from affectstream.producers.gateway.connection import Connection
from affectstream.producers.gateway.events import StreamProtocol
from affectstream.producers.gateway.gate import Gate
from affectstream.producers.gateway.pages import pages
from affectstream.producers.gateway.plain import Plain
from affectstream.producers.gateway.requests import Answer, Request
from affectstream.producers.gateway.twilio import Twilio
from affectstream.producers.gateway.websocket import Route, Socket
from affectstream.runtime.metrics import GATEWAY_REFUSED
from affectstream.runtime.settings import GatewaySettings
from affectstream.runtime.settings.gateway import LOOPBACK
from affectstream.schemas.errors import AffectError

NORMAL, POLICY_VIOLATION, INTERNAL_ERROR, TRY_AGAIN_LATER = 1000, 1008, 1011, 1013
READ_BYTES = 8192
LINGER_S = 1.0

log = structlog.get_logger(__name__)

Verify = Callable[[Request, GatewaySettings], str]
"""Returns why a request is refused, "" where it is admitted."""
STATUS = {"bad_request": 400, "not_signed": 401}


@dataclass(frozen=True)
class Path:
    """A protocol, and who may use it."""

    protocol: Callable[[Request], StreamProtocol]
    verify: Verify
    beside: bool = False  # it carries words of a call that another stream brings
    credential: str = ""  # by which a request is verified; "": none, or by what the stream itself brings


def routes(gate: Gate) -> Route:
    """Return what answers a request: a path per protocol."""
    settings = gate.settings.gateway
    tracks = {"inbound": settings.inbound, "outbound": settings.outbound}
    audiohook = AudioHookRequests(gate.settings, time.time)
    signed_by = "twilio_token" if settings.twilio_token else ""
    unnamed = OneChannel(settings.unnamed_party, gate.settings.policy.agent_purpose)
    paths = {
        "/twilio": Path(lambda _: Twilio(tracks, unnamed), _signed, credential=signed_by),
        "/audiohook": Path(
            lambda request: audiohook.protocol(request.headers),
            _genesys(audiohook),
            credential="audiohook_key" if settings.audiohook_key else "",
        ),
        "/stream": Path(lambda _: Plain(unnamed=unnamed), _guarded),
        "/words": Path(lambda _: Plain(beside=True), _guarded, beside=True),
    }

    answers = pages()

    def route(request: Request) -> Answer | Socket:
        path = paths.get(request.path)
        return _admitted(request, path, gate) if path else answers.get(request.path, Answer(404))

    return route


def _guarded(request: Request, settings: GatewaySettings) -> str:
    """Admit a stream that will be asked for a token, or comes from a program on this machine."""
    return "" if settings.token is not None or _inside(request, settings) else "not_admitted"


def _inside(request: Request, settings: GatewaySettings) -> bool:
    """Say whether a stream comes from a program on this machine, or from the gateway's own page on it.

    Any other page in a browser on this machine comes from anywhere, and names its origin.
    """
    if settings.host not in LOOPBACK or settings.public_url is not None:
        return False
    scheme = "https" if settings.tls_certificate else "http"
    own = {f"{scheme}://{host}:{settings.port}" for host in ("127.0.0.1", "localhost", "[::1]")}
    return request.headers.get("origin") in {None, *own}


def _signed(request: Request, settings: GatewaySettings) -> str:
    """Admit a request that Twilio signed; where no auth token is set, a token must guard it."""
    if settings.twilio_token is None:
        return _guarded(request, settings)
    url, signature = f"{settings.public_url}{request.target}", request.headers.get("x-twilio-signature", "")
    return "" if twilio_signed(settings.twilio_token.get_secret_value(), url, signature) else "not_admitted"


def _genesys(requests: AudioHookRequests) -> Verify:
    """Admit a request that Genesys signed; where no key is set, one from this machine."""

    def verify(request: Request, settings: GatewaySettings) -> str:
        if settings.audiohook_key is None and not _inside(request, settings):
            return "not_admitted"
        return requests.refusal(request.headers, request.target)

    return verify


def _admitted(request: Request, path: Path, gate: Gate) -> Answer | Socket:
    """Return a connection; refuses it before the handshake where it is not signed, or none has a place."""
    name = request.path.strip("/")
    if reason := path.verify(request, gate.settings.gateway):
        return _denied(name, STATUS.get(reason, 403), reason)
    places = gate.beside if path.beside else gate.places
    if gate.stopping.is_set() or not places.free:
        return _denied(name, 503, "full")

    async def serve(socket: Socket) -> int:
        header = gate.settings.gateway.client_header
        within = gate.by_address.take(client(socket.address, request.headers, header))
        if not within or (path.credential and not gate.by_credential.take(path.credential)):
            _refused(name, "too_many")
            return TRY_AGAIN_LATER
        with places.connected() as free:
            if not free:
                _refused(name, "full")
                return TRY_AGAIN_LATER
            if path.beside:
                return await _beside(socket, gate)
            return await _driven(socket, Connection(name, path.protocol(request), gate, socket.reply))

    return Socket(request, serve, gate.rounds)


def client(address: str, headers: Mapping[str, str], header: str | None) -> str:
    """Return who connects: the address, or what the nearest proxy names in ``header``."""
    named = headers.get(header, "") if header else ""
    return named.rpartition(",")[2].strip() or address


async def _driven(socket: Socket, connection: Connection) -> int:
    """Run a connection to its end; returns the code to close it with."""
    socket.offer, socket.gathers = connection.take, connection.gathers
    try:
        async with connection:
            await connection.run(socket.receive)
        await connection.linger(socket.receive)
    except AffectError as error:
        log.error("stream_broken", why=str(error))
        await connection.linger(socket.receive, "not_processed")
        return INTERNAL_ERROR
    return POLICY_VIOLATION if connection.refusal else NORMAL


async def _beside(socket: Socket, gate: Gate) -> int:
    """Run a stream of words to its end; returns the code to close it with."""
    words = WordsBeside(gate, socket.reply, socket.stop)
    try:
        await words.run(socket.receive)
    except AffectError as error:
        log.error("stream_broken", why=str(error))
        return INTERNAL_ERROR
    return POLICY_VIOLATION if words.refusal else NORMAL


def _refused(name: str, reason: str) -> None:
    GATEWAY_REFUSED.labels(name, reason).inc()
    log.warning("stream_refused", protocol=name, reason=reason)


def _denied(name: str, status: int, reason: str) -> Answer:
    _refused(name, reason)
    headers = {"Retry-After": "5"} if status == 503 else {}
    return Answer(status, f"{reason}\n".encode(), headers)


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
                await self._run(reader, writer, "" if free else "full")
        finally:
            self._tasks.discard(task)
            self._writers.discard(writer)
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _run(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, refusal: str) -> None:
        peer = writer.get_extra_info("peername")
        if not self._gate.by_address.take(str(peer[0]) if peer else ""):
            refusal = refusal or "too_many"
        if refusal:
            _refused("audiosocket", refusal)
            writer.write(REFUSAL)
            await _linger(reader, writer)
            return

        async def receive() -> bytes | None:
            with suppress(OSError):
                return await reader.read(READ_BYTES) or None
            return None

        async def reply(data: str | bytes) -> None:
            writer.write(data.encode() if isinstance(data, str) else data)

        settings, purpose = self._gate.settings.gateway, self._gate.settings.policy.agent_purpose
        party = OneChannel(settings.audiosocket_party or settings.unnamed_party, purpose).whose()
        try:
            async with Connection("audiosocket", AudioSocket(party), self._gate, reply) as connection:
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
