"""Responses of the JSON API, as the models that its OpenAPI page documents.

Rows are flat, so that a table, a spreadsheet or a Grafana panel takes them as they are. Times are in
milliseconds since the Unix epoch. A value that is not there is null.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model

from affectstream.schemas.alert import AlertKind
from affectstream.schemas.labels import EMOTIONS
from affectstream.schemas.messages import MODALITIES, Modality, Pane, Party, Reason

Ms = Annotated[int, Field(description="milliseconds since the Unix epoch", examples=[1_700_000_001_000])]
Share = Annotated[float, Field(ge=0.0, le=1.0, examples=[0.62])]
SessionName = Annotated[str, Field(description="the session's id", examples=["call-0042"])]
Label = Annotated[
    str | None, Field(description="the most probable emotion; null without evidence", examples=["happy"])
]
Probability = Annotated[float | None, Field(description="null without evidence", examples=[0.14])]
NextFrom = Annotated[
    int | None,
    Field(description="`from` of the next page; null where this is the last one", examples=[None]),
]
Attributable = Annotated[
    bool, Field(description="false for `other`: a track of both parties mixed, or of a third person")
]
Shown = Annotated[
    str | None,
    Field(description="the displayed label, smoothed if set so; null where uncertain", examples=["happy"]),
]
State = Literal["live", "ended"]
Status = Literal["present", "abstained", "missing"] | Reason


class ResponseModel(BaseModel):
    """What all responses share."""

    model_config = ConfigDict(frozen=True)


class Problem(ResponseModel):
    """Why a request failed."""

    detail: str = Field(examples=["there is no session 'call-0042'"])


class Health(ResponseModel):
    """The process and what it depends on work."""

    status: Literal["ok"] = "ok"
    version: str = Field(examples=["0.1.0"])


class Window(ResponseModel):
    """One window of one party: the fused probabilities and how far to rely on them."""

    start_ms: Ms
    end_ms: Ms
    attributable: Attributable
    neutral: Probability
    happy: Probability
    sad: Probability
    angry: Probability
    fear: Probability
    disgust: Probability
    surprise: Probability
    label: Label
    shown: Shown
    confidence: Share = Field(description="the top probability, less where evidence was missing")
    uncertainty: Share = Field(description="entropy over log 7")
    disagreement: Share = Field(description="Jensen-Shannon divergence between the modalities, normalised")
    conflict: str | None = Field(
        description="what the modalities contradict each other in; null where they do not",
        examples=["words neutral, voice angry"],
    )


class Latest(Window):
    """The newest window of one party."""

    session: SessionName
    party: Party
    pane: Pane = Field(description="an early pane may still be revised")
    rule: str = Field(description="the rule that fused it", examples=["entropy_trust"])


class Timeline(ResponseModel):
    """Final windows in order."""

    session: SessionName
    party: Party
    windows: list[Window]
    next_from: NextFrom


class PartyRow(ResponseModel):
    """One party of a session: its time span, its newest window, its alerts, and its need."""

    session: SessionName
    party: Party
    start_ms: Ms
    end_ms: Ms
    duration_ms: int = Field(ge=0, examples=[58_000])
    attributable: Attributable
    label: Label
    shown: Shown
    confidence: Share = Field(description="of the newest window, as the columns beside it")
    uncertainty: Share
    disagreement: Share
    conflict: str | None = Field(examples=["words neutral, voice angry"])
    valence: float | None = Field(
        description="happy - sad - angry - fear - disgust, in [-1, 1]; null without evidence",
        examples=[-0.4],
    )
    state: State = Field(description="ended: its streams are over, or no window has come for a minute")
    alerts: int = Field(ge=0, description="how many are active")
    alert: str | None = Field(description="the newest active one, in words")
    need: Share = Field(
        description="0.4 (1 - 2^-alerts) + 0.3 (angry + disgust) + 0.1 disagreement + 0.2 (1 to 0 in the two "
        "minutes after the newest alert began); 0 once the call has ended"
    )


class Sessions(ResponseModel):
    """Sessions in the order asked for, a row per party."""

    sessions: list[PartyRow]
    next_cursor: str | None = Field(description="`cursor` of the next page; null where this is the last one")


class Changes(ResponseModel):
    """What an event of the list's stream holds: rows that are new or changed, and sessions that are gone."""

    sessions: list[PartyRow]
    gone: list[SessionName]


class Session(ResponseModel):
    """One session, a row per party."""

    session: SessionName
    parties: list[PartyRow]


def _columns(modality: Modality) -> dict[str, Any]:
    of = f"probability from {modality} of"
    columns: dict[str, Any] = {
        "state": (Literal["present", "abstained", "missing"] | None, "null: not part of this call"),
        "reason": (Reason | None, "the most frequent reason, where it abstained"),
        "status": (Status | None, "the state, or the reason where it abstained"),
        "weight": (float | None, "share of the fused probabilities"),
        "trust": (float | None, "how far it was trusted: measured on validation data, or set by an operator"),
        "quality": (float | None, "of its inputs, between 0 and 1"),
        "count": (int | None, "observations with probabilities"),
        "model": (str | None, "the model of these probabilities"),
        **{name: (float | None, f"{of} {name}") for name in EMOTIONS},
    }
    return {
        f"{modality}_{name}": (kind, Field(None, description=text)) for name, (kind, text) in columns.items()
    }


ModalityWindow = create_model(
    "ModalityWindow",
    __base__=ResponseModel,
    __doc__="One window of one party: the evidence of each modality, in columns that begin with its name.",
    start_ms=(Ms, ...),
    end_ms=(Ms, ...),
    **{name: column for modality in MODALITIES for name, column in _columns(modality).items()},
)


class Modalities(ResponseModel):
    """The evidence of each modality in each final window, in order."""

    session: SessionName
    party: Party
    windows: list[ModalityWindow]
    next_from: NextFrom


class LevelRow(ResponseModel):
    """How probable one modality alone finds the emotions of a rule."""

    modality: Modality
    level: Share


class AlertRow(ResponseModel):
    """The begin or the end of an alert of a party."""

    session: SessionName
    party: Party
    alert_id: str = Field(description="the same for its begin and its end")
    edge: Literal["begin", "end"]
    rule: str = Field(description="the rule's name", examples=["angry"])
    kind: AlertKind
    since_ms: Ms = Field(description="start of the alert")
    start_ms: Ms = Field(description="of the window that decided")
    end_ms: Ms
    value: float = Field(description="what the rule measures, in that window", examples=[0.71])
    peak: float = Field(description="the largest since then", examples=[0.83])
    level: Share = Field(description="what had to be reached")
    baseline: Share | None = Field(description="what it was compared with: the party's own level, or before")
    windows: int = Field(description="how many the decision stands on")
    levels: list[LevelRow] = Field(description="mean of the rule's emotions over them")
    text: str = Field(examples=["customer: angry + disgust at least 0.55 for 10 s (voice 0.62)"])


class AlertList(ResponseModel):
    """Begins and ends of alerts of any session, the newest first."""

    alerts: list[AlertRow]


class Alerts(ResponseModel):
    """The alerts of a session in order."""

    session: SessionName
    alerts: list[AlertRow] = Field(description="the oldest first")
