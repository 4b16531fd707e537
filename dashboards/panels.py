"""Routes for dashboard panels: rows of a session, and no rows where none is chosen or nothing is kept.

A panel asks before the first session has begun and after one has expired; neither is an error to its viewer.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from operator import attrgetter
from typing import Annotated, Literal, TypeVar, cast

from fastapi import APIRouter, HTTPException, Query, Request
from pydantic import Field

from affectstream.analytics.records import PartySummary
from affectstream.analytics.summary import summarise
from affectstream.dashboards import listing, routes
from affectstream.dashboards.listing import Known
from affectstream.dashboards.marks import Mark, MarkKind
from affectstream.dashboards.marks import marks as marks_of
from affectstream.dashboards.moods import Mood, length_ms, newest
from affectstream.dashboards.moods import moods as moods_of
from affectstream.dashboards.reader import Reader
from affectstream.dashboards.responses import (
    AlertRow,
    Latest,
    Modalities,
    ModalityWindow,
    PartyRow,
    ResponseModel,
    Timeline,
    Window,
)
from affectstream.dashboards.routes import DATA, Data, From, Limit, To
from affectstream.schemas.fields import SessionId
from affectstream.schemas.messages import Party

T = TypeVar("T")
Row = TypeVar("Row")

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


class MarkRows(ResponseModel):
    """What happened in a session, in order."""

    marks: list[Mark]


class MoodRows(ResponseModel):
    """The moods of all calls in order."""

    moods: list[Mood]
    behind: int = Field(description="parties of which not all windows are counted yet; ask again")


panels = APIRouter(prefix="/api/panels", tags=["panels"])

POINTS = 120
WINDOWS = attrgetter("windows")
PARTIES = attrgetter("parties")


@panels.get("/parties", responses=DATA)
async def parties(reader: Data, roster: Known, sid: Sid = "") -> PartyRows:
    """Return a row per party of a session."""
    return PartyRows(parties=await _rows(sid, lambda: listing.session(reader, roster, sid), PARTIES))


@panels.get("/timeline", responses=DATA)
async def timeline(
    reader: Data, sid: Sid = "", party: Who = "", from_ms: From = None, to: To = None, limit: Limit = 1000
) -> WindowRows:
    """Return the final windows of a party in order, the oldest first."""

    def asked() -> Awaitable[Timeline]:
        return routes.timeline(reader, sid, _named(party), from_ms, to, limit)

    return WindowRows(windows=await _rows(sid and party, asked, WINDOWS))


@panels.get("/modalities", responses=DATA)
async def modalities(
    reader: Data, sid: Sid = "", party: Who = "", from_ms: From = None, to: To = None, limit: Limit = 1000
) -> ModalityRows:
    """Return the evidence of each modality in each final window."""

    def asked() -> Awaitable[Modalities]:
        return routes.modalities(reader, sid, _named(party), from_ms, to, limit)

    return ModalityRows(windows=await _rows(sid and party, asked, WINDOWS))


@panels.get("/latest", responses=DATA)
async def latest(reader: Data, sid: Sid = "", party: Who = "") -> LatestRows:
    """Return the newest window of a party, early or final."""
    found = await _rows(sid and party, lambda: routes.latest(reader, sid, _named(party)), lambda row: [row])
    return LatestRows(windows=found)


@panels.get("/summary", responses=DATA)
async def summary(reader: Data, sid: Sid = "") -> SummaryRows:
    """Return per party: shares of time, quarters, change, turning points, contradictions."""
    return SummaryRows(parties=await _rows(sid, lambda: routes.summary(reader, sid), PARTIES))


@panels.get("/alerts", responses=DATA)
async def alerts(reader: Data, sid: Sid = "") -> AlertRows:
    """Return the begins and ends of the alerts of all parties, the oldest first."""
    return AlertRows(alerts=await _rows(sid, lambda: routes.alerts(reader, sid), attrgetter("alerts")))


@panels.get("/marks", responses=DATA)
async def marks(reader: Data, sid: Sid = "", kind: MarkKind | None = None) -> MarkRows:
    """Return alerts, turning points and contradictions of all parties, each in a sentence, by their start."""
    found = await _rows(sid, lambda: _marks(reader, sid), iter)
    return MarkRows(marks=[mark for mark in found if kind in (None, mark.kind)])


@panels.get("/moods", responses=DATA)
async def moods(request: Request, roster: Known, from_ms: From = None, to: To = None) -> MoodRows:
    """Return the shares of all calls' windows by emotion, of the parties with the newest windows."""
    routes.check_range(from_ms, to)
    counted, behind = await request.app.state.moods.of(newest(roster, from_ms, to))
    parties = [each.between(from_ms, to) for each in counted]
    rows = await asyncio.to_thread(moods_of, parties, length_ms(parties, POINTS))
    return MoodRows(moods=rows, behind=behind)


async def _marks(reader: Reader, sid: str) -> list[Mark]:
    found, alerts = await reader.all_finals(sid), await reader.alerts(sid)
    return await asyncio.to_thread(lambda: marks_of(summarise(found, reader.display), alerts))


def _named(party: Party | Literal[""]) -> Party:
    return cast(Party, party)


async def _rows(
    chosen: str, ask: Callable[[], Awaitable[T]], rows: Callable[[T], Iterable[Row]]
) -> list[Row]:
    """Return the rows of an answer, none where nothing is chosen or there is no such session or party."""
    if not chosen:
        return []
    try:
        return list(rows(await ask()))
    except HTTPException as refusal:
        if refusal.status_code != 404:
            raise
        return []
