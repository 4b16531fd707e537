"""The process of the JSON API, which counts its answers: ``python -m affectstream.dashboards``."""

import asyncio
import socket
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from affectstream.analytics.label import display_as
from affectstream.dashboards import ahead, control, feedback, listening
from affectstream.dashboards.api import create_app
from affectstream.dashboards.feed import Feed
from affectstream.dashboards.limits import Limits
from affectstream.dashboards.listening import Listening
from affectstream.dashboards.page import site
from affectstream.runtime.consent_store import ConsentStore
from affectstream.runtime.feedback import FeedbackStore
from affectstream.runtime.health import Health
from affectstream.runtime.metrics import API_ANSWERS, API_SECONDS
from affectstream.runtime.process import Stop, run
from affectstream.runtime.settings import ApiSettings, Settings, load
from affectstream.runtime.store import FusedStore
from affectstream.schemas.errors import Unavailable

FINISH_S = 5  # how long requests under way may take once the process is told to stop
OTHER = "other"  # assets of the page, and paths that nothing serves


class Server(uvicorn.Server):  # type: ignore[misc]  # the package is skipped by the type checker
    """A server that leaves the signals to ``affectstream.runtime.process``."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave all signals as they are."""
        yield


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


async def serve(settings: Settings, stop: Stop) -> None:
    """Serve until ``stop``; while Redis is away, requests get 503 and the process goes on."""
    async with AsyncExitStack() as exits:
        listener = exits.enter_context(_listen(settings.api))
        store = FusedStore(settings.redis, patient=True)
        exits.push_async_exit(store)
        display = display_as(settings.label.model_dump(), settings.fusion.fitted)
        app = create_app(store, settings.api.token, display, _limits(settings.api))
        consents = await exits.enter_async_context(ConsentStore(settings.redis, settings.policy))
        control.install(app, consents, settings.api.token)
        marks = await exits.enter_async_context(FeedbackStore(settings.redis, settings.policy))
        feedback.install(app, marks, settings.api.token)
        listening.install(app, Listening(settings.policy, settings.api.token, app.state.reader, consents))
        site.install(app, settings.api.token, settings.api.processes)  # the last: it takes all other paths
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="on",
            timeout_graceful_shutdown=FINISH_S,
        )
        server = Server(config)
        app.add_middleware(Measured)  # around all others
        own = settings.api
        await exits.enter_async_context(Health(own.health_port, {"redis": store.ping}, own.health_host))
        beside = [_end(server, app.state.feed, stop), ahead.read(app)]
        tasks = list(map(asyncio.create_task, beside))
        await server.serve(sockets=[listener])
        for task in tasks:
            task.cancel()
        await app.state.trials.aclose()


def _limits(api: ApiSettings) -> Limits:
    return Limits(api.requests_per_minute, api.token_requests_per_minute, api.cors_origins)


async def _end(server: Server, feed: Feed, stop: Stop) -> None:
    await stop.wait()
    await feed.aclose()
    server.should_exit = True


def _listen(settings: ApiSettings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family)
    except OSError as error:
        where = f"{settings.host} port {settings.port}"
        raise Unavailable(f"cannot listen on {where}: {error.strerror}; set api.host or api.port") from None


def main() -> None:
    """Run the process."""
    run(lambda stop: serve(load(), stop), process="api")


if __name__ == "__main__":
    main()
