"""The routes of what is told of a whole session: its summary and its alerts."""

import asyncio
from typing import Literal

from fastapi import APIRouter
from pydantic import Field

from affectstream.analytics.alerts import in_order
from affectstream.analytics.records import Summary
from affectstream.analytics.summary import summarise
from affectstream.dashboards.responses import Answer, Ms, SessionName, Share
from affectstream.dashboards.routes import NAMED, Sid, Store, asked, known
from affectstream.schemas.messages import Alert, AlertKind, Party

WHOLE_S = 10.0  # how long the store may take for all windows of a session

data = APIRouter(prefix="/api/sessions", tags=["data"])


class AlertRow(Answer):
    """That an alert rule began or ceased to hold for a party."""

    session: SessionName
    party: Party
    alert_id: str = Field(description="the same for its begin and its end")
    edge: Literal["begin", "end"]
    rule: str = Field(description="the rule's name", examples=["angry"])
    kind: AlertKind
    since_ms: Ms = Field(description="from when on it has held")
    start_ms: Ms = Field(description="of the window that decided")
    end_ms: Ms
    value: float = Field(description="what the rule measures, in that window", examples=[0.71])
    peak: float = Field(description="the largest since then", examples=[0.83])
    level: Share = Field(description="of the rule")
    text: str = Field(examples=["customer: angry + disgust at least 0.50 for 5 s"])


class Alerts(Answer):
    """The alerts of a session in order."""

    session: SessionName
    alerts: list[AlertRow] = Field(description="the oldest first")


@data.get("/{sid}/summary", responses=NAMED)
async def summary(store: Store, sid: Sid) -> Summary:
    """Return per party: shares of time, quarters, change, turning points, contradictions."""
    session = await known(store, sid)
    finals = [w for party in session.parties for w in await asked(store.finals(sid, party), WHOLE_S)]
    return await asyncio.to_thread(summarise, finals)


@data.get("/{sid}/alerts", responses=NAMED)
async def alerts(store: Store, sid: Sid) -> Alerts:
    """Return the alerts of all parties as they began and ended, the oldest first."""
    await known(store, sid)
    found = await asked(store.alerts(sid))
    return Alerts(session=sid, alerts=[_row(alert) for alert in in_order(found)])


def _row(alert: Alert) -> AlertRow:
    return AlertRow(**alert.model_dump(exclude={"type", "session_id"}), session=alert.session_id)
