"""The routes that change a session: its consent, a pause, its end. They need the token of the API."""

from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Path, Request
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from affectstream.dashboards import guard
from affectstream.dashboards.responses import Problem
from affectstream.dashboards.routes import NAMED, Responses
from affectstream.runtime.consent_store import ConsentStore
from affectstream.schemas.consent import Consent, Standing
from affectstream.schemas.errors import PolicyError
from affectstream.schemas.fields import SessionId

By = Annotated[str, Field(pattern=r"^[\w .@-]{1,64}$", description="who asks for it, for the audit log")]
Sid = Annotated[SessionId, Path(description="the session's id")]

CONTROL: Responses = {
    **{code: NAMED[code] for code in (401, 422, 503)},
    403: {"model": Problem, "description": "the setting api.token is not set"},
    409: {"model": Problem, "description": "consent was withdrawn, which is final"},
}

control = APIRouter(prefix="/api/sessions", tags=["control"], responses=CONTROL)


class Change(BaseModel):
    """A change of consent."""

    model_config = ConfigDict(extra="forbid")

    consent: Consent
    by: By = "api"


class Asked(BaseModel):
    """Who asks for a pause or its end."""

    model_config = ConfigDict(extra="forbid")

    by: By = "api"


class Span(BaseModel):
    """A pause, in ms since the epoch; without an end while it lasts."""

    from_ms: int = Field(description="its start")
    to_ms: int | None = Field(description="its end; null while it lasts")


class Known(BaseModel):
    """What is known of the consent to a session, and its pauses."""

    session: str = Field(description="the session's id")
    consent: Consent = Field(description="to the analysis of the session")
    paused: bool = Field(description="whether a pause lasts now")
    pauses: list[Span] = Field(description="in order")


def install(app: FastAPI, store: ConsentStore, token: SecretStr | None) -> None:
    """Add the routes to an application; without a token they are refused."""
    app.state.consents = store

    def set_at_all() -> None:
        if token is None:
            raise HTTPException(403, "changes need the setting api.token; `affectstream consent` needs none")

    app.include_router(control, dependencies=[Depends(set_at_all), Depends(guard.require_token(token))])


def _store(request: Request) -> ConsentStore:
    store: ConsentStore = request.app.state.consents
    return store


Store = Annotated[ConsentStore, Depends(_store)]


@control.get("/{sid}/consent")
async def consent(store: Store, sid: Sid) -> Known:
    """Return the consent to a session, and its pauses."""
    return _known(sid, await store.standing(sid))


@control.post("/{sid}/consent")
async def change(store: Store, sid: Sid, asked: Change) -> Known:
    """Set the consent to a session; withdrawn is final, and takes effect at once."""
    try:
        return _known(sid, await store.set(sid, asked.consent, asked.by))
    except PolicyError as error:
        raise HTTPException(409, str(error)) from None


@control.post("/{sid}/pause")
async def pause(store: Store, sid: Sid, asked: Asked | None = None) -> Known:
    """Analyse nothing of a session from now on, until it is resumed."""
    return _known(sid, await store.pause(sid, (asked or Asked()).by))


@control.post("/{sid}/resume")
async def resume(store: Store, sid: Sid, asked: Asked | None = None) -> Known:
    """Go on with a session that was paused."""
    return _known(sid, await store.resume(sid, (asked or Asked()).by))


def _known(sid: str, found: Standing) -> Known:
    spans = [Span(from_ms=pause.from_ms, to_ms=pause.to_ms) for pause in found.pauses]
    return Known(session=sid, consent=found.consent, paused=found.paused, pauses=spans)
