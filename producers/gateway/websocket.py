"""The gateway's WebSocket server: a request is answered or upgraded, and a connection's messages are read."""

import asyncio
import logging
import ssl
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus

import structlog
from picows import (
    WSCloseCode,
    WSFrame,
    WSListener,
    WSMsgType,
    WSTransport,
    WSUpgradeRequest,
    WSUpgradeResponse,
    WSUpgradeResponseWithListener,
    ws_create_server,
)

from affectstream.producers.gateway.events import Todo

LARGEST_MESSAGE = 1 << 20  # bytes
MOST_WAITING = 16  # messages that were read and not processed; more are not read
HANDSHAKE_S = 10.0
BACKLOG = 1024  # connections that wait to be accepted
CLOSE_S = 5.0  # for the other side to answer a closing handshake
MAY_BE_SENT = {*WSCloseCode} - {WSCloseCode.NO_INFO, WSCloseCode.ABNORMAL_CLOSURE}  # RFC 6455, 7.4
TEXT, BINARY = WSMsgType.TEXT, WSMsgType.BINARY

log = structlog.get_logger(__name__)
quiet = logging.getLogger("affectstream.gateway.websocket")  # its lines name clients
quiet.setLevel(logging.CRITICAL)

Message = str | bytes
Offer = Callable[[Message], Message | Todo | None]
"""Processes a message at once; returns what is left to do of it, None where nothing is."""


@dataclass(frozen=True)
class Request:
    """What a client asks for."""

    path: str
    query: str
    headers: Mapping[str, str]  # their names in any case

    @property
    def target(self) -> str:
        """Return the path with its query."""
        return f"{self.path}?{self.query}" if self.query else self.path


@dataclass(frozen=True)
class Answer:
    """A response that ends the request."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] | None = None


class Socket(WSListener):
    """One WebSocket: messages are offered in order, and what is left of one waits for `receive`."""

    def __init__(self, request: Request, serve: Callable[["Socket"], Awaitable[int]]) -> None:
        self.request = request
        self.offer: Offer | None = None
        self.address = ""
        self.opened: Callable[[asyncio.Task[None]], None] = lambda _: None
        self._serve = serve
        self._waiting: deque[Message | Todo] = deque()
        self._parts: list[bytes] = []  # of a message in several frames
        self._text = False
        self._arrived = asyncio.Event()
        self._left = asyncio.Event()
        self._gone = self._paused = False

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Serve the connection in a task of its own."""
        self._transport = transport
        peer = transport.underlying_transport.get_extra_info("peername")
        self.address = str(peer[0]) if peer else ""
        self.opened(asyncio.get_running_loop().create_task(self._run()))

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Take a frame."""
        kind, whole = frame.msg_type, frame.fin and not self._parts
        try:
            if kind is TEXT and whole:
                self._take(frame.get_payload_as_utf8_text())
            elif kind is BINARY and whole:
                self._take(frame.get_payload_as_bytes())
            elif kind in (TEXT, BINARY, WSMsgType.CONTINUATION):
                self._part(kind, frame)
            elif kind == WSMsgType.CLOSE:
                if not transport.is_close_frame_sent:
                    transport.send_close(_answer_to_close(frame.get_payload_as_bytes()))
                transport.disconnect()
        except UnicodeDecodeError:
            self._fail(WSCloseCode.INVALID_TEXT)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """Let what was received be processed, and then the end be seen."""
        self._left.set()
        self.stop()

    def stop(self) -> None:
        """Read nothing more; what was received is still processed."""
        self._gone = True
        self._arrived.set()

    async def receive(self) -> Message | Todo | None:
        """Return the next message, or what is left to do of it; None once the connection is gone."""
        while True:
            while self._waiting:
                head = self._waiting.popleft()
                left = self.offer(head) if isinstance(head, str | bytes) and self.offer else head
                if left is not None:
                    return left
            if self._gone:
                return None
            if self._paused:
                self._paused = False
                self._transport.underlying_transport.resume_reading()
            self._arrived.clear()
            await self._arrived.wait()

    async def reply(self, data: Message) -> None:
        """Send a message; nothing where the connection is gone."""
        if not self._transport.is_disconnected:
            self._transport.send(WSMsgType.TEXT if isinstance(data, str) else WSMsgType.BINARY, data)

    async def _run(self) -> None:
        try:
            code = await self._serve(self)
        except Exception:
            log.exception("stream_failed")
            code = WSCloseCode.INTERNAL_ERROR.value
        self._gone = True
        if not self._transport.is_close_frame_sent:
            self._transport.send_close(WSCloseCode(code))
        if self._paused:
            self._transport.underlying_transport.resume_reading()  # up to the answer to the close
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                await self._left.wait()
        self._transport.disconnect(graceful=False)

    def _take(self, data: Message) -> None:
        if self._gone:
            return
        left = data if self._waiting or self.offer is None else self.offer(data)
        if left is None:
            return
        self._waiting.append(left)
        self._arrived.set()
        if len(self._waiting) >= MOST_WAITING and not self._paused:
            self._paused = True
            self._transport.underlying_transport.pause_reading()

    def _part(self, kind: WSMsgType, frame: WSFrame) -> None:
        first = kind != WSMsgType.CONTINUATION
        if first == bool(self._parts):
            self._fail(WSCloseCode.PROTOCOL_ERROR)
            return
        if first:
            self._text = kind == WSMsgType.TEXT
        self._parts.append(frame.get_payload_as_bytes())
        if sum(map(len, self._parts)) > LARGEST_MESSAGE or len(self._parts) > LARGEST_MESSAGE // 1024:
            self._fail(WSCloseCode.MESSAGE_TOO_BIG)
        elif frame.fin:
            whole, self._parts = b"".join(self._parts), []
            self._take(whole.decode() if self._text else whole)

    def _fail(self, code: WSCloseCode) -> None:
        self._parts = []
        self._transport.send_close(code)
        self.stop()


def _answer_to_close(payload: bytes) -> WSCloseCode:
    """Return the code that answers a closing frame: its own, or OK for none and an application's own."""
    code = int.from_bytes(payload[:2], "big")
    if not payload or 3000 <= code < 5000:
        return WSCloseCode.OK
    return WSCloseCode(code) if code in MAY_BE_SENT else WSCloseCode.PROTOCOL_ERROR


Route = Callable[[Request], Answer | Socket]


class WebSocketServer:
    """The server of a route."""

    def __init__(self, route: Route) -> None:
        self._route = route
        self._open: dict[asyncio.Task[None], Socket] = {}

    async def listen(self, host: str, port: int, tls: ssl.SSLContext | None) -> asyncio.Server:
        """Begin to listen; raises OSError."""
        return await ws_create_server(
            self._answered,
            host,
            port,
            ssl=tls,
            backlog=BACKLOG,
            logger_name=quiet,
            websocket_handshake_timeout=HANDSHAKE_S,
            max_frame_size=LARGEST_MESSAGE,
            use_aiofastnet=False,
        )

    async def drain(self, timeout_s: float) -> None:
        """Read nothing more, and wait until the connections are over."""
        for socket in self._open.values():
            socket.stop()
        if self._open:
            await asyncio.wait([*self._open], timeout=timeout_s)

    def _answered(self, upgrade: WSUpgradeRequest) -> Socket | WSUpgradeResponseWithListener:
        path, _, query = upgrade.path.decode("latin-1").partition("?")
        try:
            found = self._route(Request(path, query, upgrade.headers))
        except Exception:  # a response would carry the text of it
            log.exception("request_failed")
            found = Answer(500)
        if isinstance(found, Answer):
            return WSUpgradeResponseWithListener(_response(found), None)

        def opened(task: asyncio.Task[None]) -> None:
            self._open[task] = found
            task.add_done_callback(lambda done: self._open.pop(done, None))

        found.opened = opened
        return found


def _response(answer: Answer) -> WSUpgradeResponse:
    body = answer.body or f"{HTTPStatus(answer.status).phrase}\n".encode()
    made: WSUpgradeResponse = (
        WSUpgradeResponse.create_ok_response(body, answer.headers)
        if answer.status < 400
        else WSUpgradeResponse.create_error_response(answer.status, body, answer.headers)
    )
    return made
