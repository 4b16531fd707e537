"""One WebSocket of the gateway: its messages are read, whole and in order, no faster than they are processed.

Where a protocol has many small text messages, connections are read in rounds, and what one read brings is
taken together, which costs two thirds of reading and taking one by one::

    arrived    a b c . d e f g H . i j
    read             *           *           H is no text: what came before it is taken first
    taken          (abc)      (defg) H       (ij) with the next read
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog
from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSTransport

from affectstream.producers.gateway.events import Data, Texts, Todo
from affectstream.producers.gateway.requests import Answer, Request
from affectstream.producers.gateway.rounds import Rounds

LARGEST_MESSAGE = 1 << 20  # bytes
MOST_WAITING = 16  # messages that were read and not processed; more are not read
MOST_GATHERED = 64
LONGEST_GATHERED = 4096  # characters
CLOSE_S = 5.0  # for the other side to answer a closing handshake
MAY_BE_SENT = {*WSCloseCode} - {WSCloseCode.NO_INFO, WSCloseCode.ABNORMAL_CLOSURE}  # RFC 6455, 7.4
TEXT, BINARY = WSMsgType.TEXT, WSMsgType.BINARY

log = structlog.get_logger(__name__)

Offer = Callable[[Data], Data | Todo | None]
"""Processes what arrived at once; returns what is left to do of it, None where nothing is."""


class Socket(WSListener):
    """One WebSocket: messages are offered in order, and what is left of one waits for `receive`."""

    def __init__(
        self, request: Request, serve: Callable[["Socket"], Awaitable[int]], rounds: Rounds | None = None
    ) -> None:
        """Read in ``rounds``, which the sockets of a server share, where messages are taken together."""
        self.request = request
        self.offer: Offer | None = None
        self.gathers = False  # small text messages are taken together
        self.address = ""
        self.opened: Callable[[asyncio.Task[None]], None] = lambda _: None
        self._serve = serve
        self._waiting: deque[Data | Todo] = deque()
        self._gathered: list[str] = []
        self._rounds = rounds or Rounds()
        self._parts: list[bytes] = []  # of a message in several frames
        self._text = False
        self._arrived = asyncio.Event()
        self._left = asyncio.Event()
        self._gone = False
        self._full = self._resting = False  # too much waits, or the next round does: nothing is read

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Serve the connection in a task of its own."""
        self._transport = transport
        peer = transport.underlying_transport.get_extra_info("peername")
        self.address = str(peer[0]) if peer else ""
        self._rounds.connections += 1
        self.opened(asyncio.get_running_loop().create_task(self._run()))

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Take a frame."""
        kind, whole = frame.msg_type, frame.fin and not self._parts
        try:
            if kind is TEXT and whole:
                self._take_text(frame.get_payload_as_utf8_text())
                return
            self._take_gathered()
            if kind is BINARY and whole:
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
        self._rounds.connections -= 1
        self._left.set()
        self.stop()

    def stop(self) -> None:
        """Read nothing more; what was received is still processed."""
        self._take_gathered()
        self._gone = True
        self._arrived.set()

    async def receive(self) -> Data | Todo | None:
        """Return what arrived next, or what is left to do of it; None once the connection is gone."""
        while True:
            while self._waiting:
                head = self._waiting.popleft()
                left = self.offer(head) if isinstance(head, Data) and self.offer else head
                if left is not None:
                    return left
            if self._gone:
                return None
            if self._full:
                self._full = False
                self._read()
            self._arrived.clear()
            await self._arrived.wait()

    async def reply(self, data: str | bytes) -> None:
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
        self._full = self._resting = False
        self._read()  # up to the answer to the close
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                await self._left.wait()
        self._transport.disconnect(graceful=False)

    def _take_text(self, text: str) -> None:
        if not self.gathers or len(text) > LONGEST_GATHERED:
            self._take_gathered()
            self._take(text)
            return
        self._gathered.append(text)
        if len(self._gathered) == MOST_GATHERED:
            self._take_gathered()
        elif not self._resting:
            self._resting = True
            self._read()
            asyncio.get_running_loop().call_soon(self._take_read)
            self._rounds.ask(self._read_on)

    def _read_on(self) -> None:
        self._resting = False
        self._take_read()  # TLS may hand on what it read before it was told to stop
        self._read()

    def _read(self) -> None:
        """Read, or stop reading, as it is now."""
        transport = self._transport.underlying_transport
        wanted = not (self._full or self._resting)
        if wanted != transport.is_reading() and not transport.is_closing():
            (transport.resume_reading if wanted else transport.pause_reading)()

    def _take_gathered(self) -> None:
        gathered, self._gathered = Texts(self._gathered), []
        if gathered:
            self._take(gathered)

    def _take_read(self) -> None:
        try:
            self._take_gathered()
        except Exception:  # of which only the loop would know
            log.exception("stream_failed")
            self._fail(WSCloseCode.INTERNAL_ERROR)

    def _take(self, data: Data) -> None:
        """Offer what arrived; let what is left wait for `receive`, and read no more where that is much."""
        if self._gone:
            return
        left = data if self._waiting or self.offer is None else self.offer(data)
        if left is None:
            return
        self._waiting.append(left)
        self._arrived.set()
        waiting = sum(len(each) if isinstance(each, Texts) else 1 for each in self._waiting)
        if waiting >= MOST_WAITING:
            self._full = True
            self._read()

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


Route = Callable[[Request], Answer | Socket]
"""Answers a request, or upgrades it."""


def _answer_to_close(payload: bytes) -> WSCloseCode:
    """Return the code that answers a closing frame: its own, or OK for none and an application's own."""
    code = int.from_bytes(payload[:2], "big")
    if not payload or 3000 <= code < 5000:
        return WSCloseCode.OK
    return WSCloseCode(code) if code in MAY_BE_SENT else WSCloseCode.PROTOCOL_ERROR
