"""What the API counts of itself: answers by route and status, and how long the start of an answer takes."""

import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from affectstream.runtime.metrics import API_ANSWERS, API_SECONDS

OTHER = "other"  # assets of the page, and paths that nothing serves


class Measured:
    """Counts every answer; an address is counted by its route, never as it was asked for."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun_s = time.perf_counter()

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = route_of(scope)
                API_ANSWERS.labels(route, str(message["status"])).inc()
                API_SECONDS.labels(route).observe(time.perf_counter() - begun_s)
            await send(message)

        await self._app(scope, receive, counted)


def route_of(scope: Scope) -> str:
    """Return the route that serves a request, with the names of its parameters in place of their values."""
    path = getattr(scope.get("route"), "path", None)
    return path if isinstance(path, str) and not path.startswith("/_") else OTHER
