"""The routes of the list of sessions: search, order and pages over what the roster knows."""

from collections.abc import Iterable, Iterator
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, HTTPException, Query, Request

from affectstream.analytics.alerts import in_order
from affectstream.dashboards import convert
from affectstream.dashboards.responses import AlertList, PartyRow, Session, Sessions, State
from affectstream.dashboards.roster import Roster
from affectstream.dashboards.routes import DATA, MAX_MS, NAMED, Data, Sid
from affectstream.schemas.messages import Party

MAX_SESSIONS = 1_000  # of a page

Order = Literal["newest", "need"]
Place = tuple[float, str]  # of a session in an order
Found = tuple[Place, list[PartyRow]]


async def _roster(request: Request) -> Roster:
    roster: Roster = request.app.state.roster
    await roster.refresh()
    return roster


Known = Annotated[Roster, Depends(_roster)]
Q = Annotated[str, Query(max_length=64, description="part of the session's id, in upper or lower case")]
Limit = Annotated[int, Query(ge=1, le=MAX_SESSIONS, description="at most so many sessions")]
Cursor = Annotated[str | None, Query(max_length=100, description="`next_cursor` of the page before")]

Since = Annotated[int | None, Query(ge=0, le=MAX_MS, description="decided after this time, in ms")]
AlertLimit = Annotated[int, Query(ge=1, le=10_000, description="at most so many, the newest")]

across = APIRouter(prefix="/api", tags=["data"])
listing = APIRouter(prefix="/api/sessions", tags=["data"])


@listing.get("", responses=DATA)
async def sessions(
    roster: Known,
    q: Q = "",
    party: Party | None = None,
    state: State | None = None,
    sort: Order = "newest",
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Sessions:
    """Return sessions, a row per party: those with the newest windows first, or with the most need."""
    after = _place(cursor)
    found = sorted(
        _ordered(_matching(roster.rows(), q.lower(), party, state), sort), key=lambda each: each[0]
    )
    rest = [each for each in found if after is None or each[0] > after]
    page = rest[:limit]
    last = page[-1][0] if len(rest) > limit else None
    return Sessions(
        sessions=[row for _, rows in page for row in rows],
        next_cursor=None if last is None else f"{-last[0]:.17g}~{last[1]}",
    )


@listing.get("/{sid}", responses=NAMED)
async def session(reader: Data, roster: Known, sid: Sid) -> Session:
    """Return one session, a row per party."""
    if sid not in roster.calls:
        await reader.session(sid)  # refuses an unknown one
        await roster.refresh(at_once=True)
    return Session(session=sid, parties=roster.parties(sid))


@across.get("/alerts", responses=DATA)
async def alerts(roster: Known, since: Since = None, limit: AlertLimit = 100) -> AlertList:
    """Return the begins and ends of alerts of all sessions, the newest first."""
    edges = [a for call in roster.calls.values() for a in call.edges if since is None or a.end_ms > since]
    return AlertList(alerts=list(map(convert.alert, reversed(in_order(edges)[-limit:]))))


def _matching(
    calls: Iterable[tuple[str, list[PartyRow]]], q: str, party: Party | None, state: State | None
) -> Iterator[tuple[str, list[PartyRow]]]:
    for sid, rows in calls:
        if q in sid.lower():
            fit = [row for row in rows if party in (None, row.party) and state in (None, row.state)]
            if fit:
                yield sid, fit


def _ordered(calls: Iterable[tuple[str, list[PartyRow]]], sort: Order) -> Iterator[Found]:
    """Yield each session's place and its rows; the smallest place comes first."""
    for sid, rows in calls:
        yield (-max(row.need if sort == "need" else row.end_ms for row in rows), sid), rows


def _place(cursor: str | None) -> Place | None:
    if cursor is None:
        return None
    value, _, sid = cursor.partition("~")
    try:
        return -float(value), sid
    except ValueError:
        raise HTTPException(422, "query cursor: not the next_cursor of a page") from None
