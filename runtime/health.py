"""Health and metrics of a process over HTTP."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Self

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from affectstream.schemas.errors import Unavailable

Check = Callable[[], bool | Awaitable[bool]]

CHECK_TIMEOUT_S = 2


class Health:
    """``async with Health(port, {"broker": lambda: bool(subscriber.assigned())}):``; port 0 serves nothing.

    /livez answers as long as the event loop runs. /readyz is 200 where every check is true, else 503, and
    says which are not. /metrics is for Prometheus.
    """

    def __init__(self, port: int, checks: Mapping[str, Check], host: str = "127.0.0.1") -> None:
        self._port = port
        self._host = host
        self._checks = dict(checks)
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        if not self._port:
            return self
        app = web.Application()
        app.router.add_get("/livez", self._livez)
        app.router.add_get("/readyz", self._readyz)
        app.router.add_get("/metrics", self._metrics)
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._host, self._port).start()
        except OSError as error:
            await self._runner.cleanup()
            raise Unavailable(
                f"health_port {self._port} on {self._host} cannot be used ({error.strerror}); choose another"
            ) from None
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _livez(self, _: web.Request) -> web.Response:
        return web.json_response({"alive": True})

    async def _readyz(self, _: web.Request) -> web.Response:
        results = await asyncio.gather(*(_passes(check) for check in self._checks.values()))
        passed = dict(zip(self._checks, results, strict=True))
        return web.json_response(passed, status=200 if all(results) else 503)

    async def _metrics(self, _: web.Request) -> web.Response:
        return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})


async def _passes(check: Check) -> bool:
    """Say whether a check is true; one that fails or takes too long is not."""
    try:
        answer = check()
        if inspect.isawaitable(answer):
            answer = await asyncio.wait_for(answer, CHECK_TIMEOUT_S)
        return bool(answer)
    except Exception:  # whatever a check meets, the process is not ready
        return False
