"""Routes for dashboard panels: rows of a session, and no rows where none is chosen or nothing is kept.

A panel asks before the first session has begun and after one has expired; neither is an error to its viewer.
"""

from collections.abc import Awaitable
from typing import Annotated, Literal, TypeVar, cast

from fastapi import APIRouter, HTTPException, Query

from affectstream.analytics.records import PartySummary
from affectstream.dashboards import listing, routes
from affectstream.dashboards.listing import Known
from affectstream.dashboards.responses import (
    AlertRow,
    Latest,
    ModalityWindow,
    PartyRow,
    ResponseModel,
    Window,
)
from affectstream.dashboards.routes import DATA, Data, From, Limit, To
from affectstream.schemas.messages import Party, SessionId

T = TypeVar("T")

Sid = Annotated[SessionId | Literal[""], Query(alias="session", description="the session's id; blank: none")]
Who = Annotated[Party | Literal[""], Query(description="the party; blank: none")]


class PartyRows(ResponseModel):
    """A row per party of a session."""

    parties: list[PartyRow]


class WindowRows(ResponseModel):
    """Final windows of a party in order."""

    windows: list[Window]


class ModalityRows(ResponseModel):
    """The evidence of each modality in final windows, in order."""

    windows: list[ModalityWindow]


class LatestRows(ResponseModel):
    """The newest window of a party, or none."""

    windows: list[Latest]


class SummaryRows(ResponseModel):
    """A summary per party of a session."""

    parties: list[PartySummary]


class AlertRows(ResponseModel):
    """The begins and ends of the alerts of a session."""

    alerts: list[AlertRow]


panels = APIRouter(prefix="/api/panels", tags=["panels"])


@panels.get("/parties", responses=DATA)
async def parties(reader: Data, roster: Known, sid: Sid = "") -> PartyRows:
    """Return a row per party of a session."""
    found = await _kept(listing.session(reader, roster, sid)) if sid else None
    return PartyRows(parties=found.parties if found else [])


@panels.get("/timeline", responses=DATA)
async def timeline(
    reader: Data, sid: Sid = "", party: Who = "", from_ms: From = None, to: To = None, limit: Limit = 1000
) -> WindowRows:
    """Return the final windows of a party in order, the oldest first."""
    chosen = sid and party
    found = await _kept(routes.timeline(reader, sid, _named(party), from_ms, to, limit)) if chosen else None
    return WindowRows(windows=found.windows if found else [])


@panels.get("/modalities", responses=DATA)
async def modalities(
    reader: Data, sid: Sid = "", party: Who = "", from_ms: From = None, to: To = None, limit: Limit = 1000
) -> ModalityRows:
    """Return the evidence of each modality in each final window."""
    chosen = sid and party
    found = await _kept(routes.modalities(reader, sid, _named(party), from_ms, to, limit)) if chosen else None
    return ModalityRows(windows=found.windows if found else [])


@panels.get("/latest", responses=DATA)
async def latest(reader: Data, sid: Sid = "", party: Who = "") -> LatestRows:
    """Return the newest window of a party, early or final."""
    found = await _kept(routes.latest(reader, sid, _named(party))) if sid and party else None
    return LatestRows(windows=[found] if found else [])


@panels.get("/summary", responses=DATA)
async def summary(reader: Data, sid: Sid = "") -> SummaryRows:
    """Return per party: shares of time, quarters, change, turning points, contradictions."""
    found = await _kept(routes.summary(reader, sid)) if sid else None
    return SummaryRows(parties=list(found.parties) if found else [])


@panels.get("/alerts", responses=DATA)
async def alerts(reader: Data, sid: Sid = "") -> AlertRows:
    """Return the begins and ends of the alerts of all parties, the oldest first."""
    found = await _kept(routes.alerts(reader, sid)) if sid else None
    return AlertRows(alerts=found.alerts if found else [])


def _named(party: Party | Literal[""]) -> Party:
    return cast(Party, party)


async def _kept(answer: Awaitable[T]) -> T | None:
    """Return the answer, None where there is no such session or party."""
    try:
        return await answer
    except HTTPException as refusal:
        if refusal.status_code != 404:
            raise
        return None
