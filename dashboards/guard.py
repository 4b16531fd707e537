"""Error handlers, bearer token and security headers of the API."""

import hmac
from collections.abc import Callable
from typing import Annotated

import structlog
from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import SecretStr
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from affectstream.schemas.errors import AffectError, Unavailable

log = structlog.get_logger(__name__)

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
ASSETS = "/docs-assets"
DATA_POLICY = "default-src 'none'; frame-ancestors 'none'"
DOCS_POLICY = (  # the documentation page starts its script inline, and loads nothing from elsewhere
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'"
)

bearer = HTTPBearer(auto_error=False, description="needed where the setting api.token is set")


def install(app: FastAPI) -> None:
    """Install the error handlers and headers."""
    app.add_exception_handler(Unavailable, _unavailable)
    app.add_exception_handler(AffectError, _failed)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Exception, _crashed)
    app.add_middleware(Headers)


def require_token(token: SecretStr | None) -> Callable[..., None]:
    """Return the dependency that refuses a request without ``token``; None admits every request."""

    def check(credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]) -> None:
        if token is None:
            return
        given = credentials.credentials if credentials else ""
        if not hmac.compare_digest(given.encode(), token.get_secret_value().encode()):
            raise HTTPException(
                401,
                "a bearer token is needed: the one of the setting api.token",
                {"WWW-Authenticate": "Bearer"},
            )

    return check


class Headers:
    """Puts the security headers on every response, as it streams."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        policy = DOCS_POLICY if scope.get("path", "").startswith("/docs") else DATA_POLICY

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)  # assets of the page state their own caching
                headers["Content-Security-Policy"] = policy
            await send(message)

        await self._app(scope, receive, with_headers)


async def _unavailable(request: Request, error: Exception) -> JSONResponse:
    # the error names the server, which the client need not know
    log.warning("no_answer", path=request.url.path, why=str(error))
    text = "the store of the fused emotions does not answer; try again shortly"
    return JSONResponse({"detail": text}, 503, {"Retry-After": "2"})


async def _failed(request: Request, error: Exception) -> JSONResponse:
    log.error("failed", path=request.url.path, why=str(error))
    return JSONResponse({"detail": str(error)}, 500)


async def _crashed(request: Request, error: Exception) -> JSONResponse:
    log.error("crashed", path=request.url.path, error=type(error).__name__)
    return JSONResponse({"detail": "internal error; see the log of the API"}, 500)


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = " ".join(str(part) for part in first["loc"][:2])  # where it was given, and its name
    return JSONResponse({"detail": f"{where}: {first['msg']}"}, 422)
