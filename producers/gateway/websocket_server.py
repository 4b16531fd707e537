"""The gateway's HTTP server: a request is answered, or upgraded to a WebSocket."""

import asyncio
import logging
import ssl

import structlog
from picows import WSUpgradeRequest, WSUpgradeResponseWithListener, ws_create_server

from affectstream.producers.gateway.requests import Answer, Request
from affectstream.producers.gateway.websocket import LARGEST_MESSAGE, Route, Socket

HANDSHAKE_S = 10.0
BACKLOG = 1024  # connections that wait to be accepted

log = structlog.get_logger(__name__)
quiet = logging.getLogger("affectstream.gateway.websocket")  # its lines name clients
quiet.setLevel(logging.CRITICAL)


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
            return WSUpgradeResponseWithListener(found.response(), None)

        def opened(task: asyncio.Task[None]) -> None:
            self._open[task] = found
            task.add_done_callback(lambda done: self._open.pop(done, None))

        found.opened = opened
        return found
