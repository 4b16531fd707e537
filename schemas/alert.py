"""Alerts that travel over Kafka: an edge of a rule, and what was measured at it."""

from typing import Literal

from pydantic import Field

from affectstream.schemas.fields import Ms, Record, SessionId, Unit
from affectstream.schemas.messages import Modality, Party

AlertKind = Literal["above", "average", "rise", "disagreement"]


class Level(Record):
    """How probable one modality alone finds the emotions of a rule."""

    modality: Modality = Field(alias="mod")
    level: Unit


class Alert(Record):
    """That an alert rule began or ceased to hold for a party; it follows from the party's finals alone."""

    type: Literal["alert"] = "alert"
    alert_id: str = Field(alias="id", max_length=200)  # rule, session, party, since; the end has its begin's
    edge: Literal["begin", "end"]
    session_id: SessionId = Field(alias="sid")
    party: Party
    rule: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")
    kind: AlertKind
    since_ms: Ms = Field(alias="since")  # from when on it has held
    start_ms: Ms = Field(alias="start")  # of the window that decided
    end_ms: Ms = Field(alias="end")
    value: float = Field(ge=-1.0, le=1.0)  # what the rule measures, in that window
    peak: float = Field(ge=-1.0, le=1.0)  # the largest since then
    level: Unit  # what had to be reached: that of the rule, or more against the party's own
    baseline: Unit | None = None  # what it was compared with; None: with nothing
    windows: int = Field(0, ge=0)  # how many the decision stands on; 0: not stated (before)
    levels: tuple[Level, ...] = ()  # means over them
    text: str = Field(max_length=400)
