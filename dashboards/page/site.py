"""The web page as a part of the API's application: pages, downloads, sign-in, security headers."""

import hashlib
import hmac
from collections.abc import Awaitable, Callable, Iterator, Mapping
from html import escape
from typing import Annotated, Literal
from urllib.parse import quote, urlsplit

from fastapi import APIRouter, FastAPI, Form, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from nicegui import app as pages
from nicegui import ui
from pydantic import SecretStr
from starlette.middleware.sessions import SessionMiddleware
from starlette.responses import StreamingResponse

from affectstream.analytics.lines import lines, table
from affectstream.dashboards.page import call, frame, live, meaning, system, tryit
from affectstream.dashboards.processes import Processes
from affectstream.dashboards.reader import Reader
from affectstream.schemas.fields import SessionId

SIGN_IN = "/sign-in"
OF_THE_API = ("/api/", "/docs", "/openapi.json", "/livez", "/readyz", "/healthz")
FREE = ("/_nicegui/", "/page-assets/", SIGN_IN)
VISIT_S = 12 * 3600
RECONNECT_S = 30.0  # a browser that comes back by then finds its page as it was
POLICY = (  # the components compile their templates in the browser; nothing is loaded from elsewhere
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; media-src 'self' blob:; connect-src 'self' ws: wss:; "
    "frame-ancestors 'none'; form-action 'self'; base-uri 'self'"
)

WRITERS = {"jsonl": (lines, "application/x-ndjson"), "csv": (table, "text/csv; charset=utf-8")}

Entered = Annotated[str, Form()]

router = APIRouter(include_in_schema=False)


def install(app: FastAPI, token: SecretStr | None, processes: Mapping[str, str]) -> None:
    """Add the pages to ``app``, once in a process; with ``token``, a visitor has to enter it first.

    ``processes`` says where each process serves its metrics.
    """
    app.state.page_token = token
    app.include_router(router)
    app.middleware("http")(_admit)
    app.add_middleware(
        SessionMiddleware,
        secret_key=_cookie_key(token),
        session_cookie="affectstream",
        max_age=VISIT_S,
        same_site="strict",
    )
    pages.add_static_files("/page-assets", frame.ASSETS)
    live.register(app)
    call.register(app)
    tryit.register(app)
    system.register(app, Processes(processes))
    meaning.register()
    ui.run_with(
        app,
        title="affectstream",
        dark=None,
        language="en-US",
        tailwind=False,
        show_welcome_message=False,
        reconnect_timeout=RECONNECT_S,
    )


@router.get("/api/{rest:path}")
async def unknown(rest: str) -> Response:
    """Refuse an address of the API that there is not, as the API does and not as a page."""
    raise HTTPException(404, "there is nothing at this address; /docs lists what there is")


def _cookie_key(token: SecretStr | None) -> str:
    """Return the key that signs the cookie: another token ends all visits."""
    secret = token.get_secret_value() if token else "open"
    return hmac.new(secret.encode(), b"page cookie", hashlib.sha256).hexdigest()


async def _admit(request: Request, call: Callable[[Request], Awaitable[Response]]) -> Response:
    """Ask a visitor of a page for the token; the routes of the API ask for it themselves."""
    path = request.url.path
    if path.startswith(OF_THE_API):
        return await call(request)
    if request.app.state.page_token and not path.startswith(FREE) and "signed_in" not in request.session:
        return RedirectResponse(f"{SIGN_IN}?to={quote(path)}", 303)
    response = await call(request)
    response.headers["Content-Security-Policy"] = POLICY
    return response


@router.get("/call/{sid}/windows.{kind}")
async def windows(request: Request, sid: SessionId, kind: Literal["jsonl", "csv"]) -> StreamingResponse:
    """Return all final windows of a call by time and party, as `affectstream analyze -o` writes them."""
    reader: Reader = request.app.state.reader
    finals = sorted(await reader.all_finals(sid), key=lambda final: (final.end_ms, final.party))
    write, media_type = WRITERS[kind]

    def text() -> Iterator[str]:  # in a thread of its own
        yield from write(finals, reader.display)

    name = {"Content-Disposition": f'attachment; filename="{sid}.{kind}"'}
    return StreamingResponse(text(), media_type=media_type, headers=name)


@router.post(SIGN_IN)
async def sign_in(
    request: Request, token: Annotated[str, Form()], to: Annotated[str, Form()] = "/"
) -> Response:
    """Let a visitor in who knows the token."""
    expected = request.app.state.page_token
    if expected and not hmac.compare_digest(token.encode(), expected.get_secret_value().encode()):
        return RedirectResponse(f"{SIGN_IN}?wrong=1", 303)
    request.session["signed_in"] = True
    there = urlsplit(to)
    inside = not (there.scheme or there.netloc) and to.startswith("/") and not to.startswith(("//", "/\\"))
    return RedirectResponse(to if inside else "/", 303)


FORM = """<!doctype html><html lang="en"><meta charset="utf-8"><title>affectstream</title>
<meta name="viewport" content="width=device-width"><link rel="stylesheet" href="/page-assets/page.css">
<main class="sign-in"><h1>affectstream</h1><form method="post" action="{action}"><p role="alert">{wrong}</p>
<label>Token of the API (the setting api.token)
<input name="token" type="password" autocomplete="current-password" required autofocus></label>
<input type="hidden" name="to" value="{to}"><button>Sign in</button></form></main></html>"""


@router.get(SIGN_IN)
async def form(to: str = "/", wrong: bool = False) -> HTMLResponse:
    """Return the form that asks for the token."""
    why = "That is not the token." if wrong else ""
    return HTMLResponse(FORM.format(action=SIGN_IN, wrong=why, to=escape(to, quote=True)))
