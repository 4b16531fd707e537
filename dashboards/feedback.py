"""The routes of supervisors' marks on windows."""

from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request
from pydantic import BaseModel, Field, SecretStr

from affectstream.dashboards import guard
from affectstream.dashboards.routes import NAMED, Data, Sid
from affectstream.runtime.feedback import FeedbackStore, Mark

feedback = APIRouter(prefix="/api/sessions", tags=["control"], responses=NAMED)


class Marks(BaseModel):
    """The marks on a session's windows, the oldest window first."""

    session: str = Field(description="the session's id")
    marks: list[Mark]


def install(app: FastAPI, store: FeedbackStore, token: SecretStr | None) -> None:
    """Add the routes to an application."""
    app.state.feedback = store
    app.include_router(feedback, dependencies=[Depends(guard.require_token(token))])


def _store(request: Request) -> FeedbackStore:
    store: FeedbackStore = request.app.state.feedback
    return store


Store = Annotated[FeedbackStore, Depends(_store)]


@feedback.get("/{sid}/feedback")
async def marks(store: Store, sid: Sid) -> Marks:
    """Return what supervisors hold of windows."""
    return Marks(session=sid, marks=await store.marks(sid))


@feedback.post("/{sid}/feedback", status_code=201)
async def mark(store: Store, reader: Data, sid: Sid, made: Mark) -> Mark:
    """Keep a mark on a final window; it changes no result, and a later one replaces it."""
    found, _ = await reader.finals(sid, made.party, (made.end_ms - 1, made.end_ms), 1)
    if not found:
        raise HTTPException(404, f"{made.party} has no final window that ends at {made.end_ms}")
    await store.add(sid, made)
    return made
