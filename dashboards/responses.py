"""The answers of the JSON API, as the models that its OpenAPI page documents.

Rows are flat, so that a table, a spreadsheet or a Grafana panel takes them as they are. Times are in
milliseconds since the Unix epoch. A value that is not there is null.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model

from affectstream.schemas.labels import EMOTIONS
from affectstream.schemas.messages import MODALITIES, Modality, Party, Reason

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
Shown = Annotated[
    str | None, Field(description="the label to display; null where it is uncertain", examples=["happy"])
]
Status = Literal["present", "held", "missing"] | Reason


class Answer(BaseModel):
    """What all answers share."""

    model_config = ConfigDict(frozen=True)


class Problem(Answer):
    """Why there is no answer."""

    detail: str = Field(examples=["there is no session 'call-0042'"])


class Health(Answer):
    """Whether the process, and what it needs, is well."""

    status: Literal["ok"] = "ok"
    version: str = Field(examples=["0.1.0"])


class Window(Answer):
    """One window of one party: the fused probabilities and how far to rely on them."""

    start_ms: Ms
    end_ms: Ms
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
    pane: Literal["early", "final"] = Field(description="an early pane may still be revised")
    rule: str = Field(description="the rule that fused it", examples=["entropy_trust"])


class Timeline(Answer):
    """Final windows in order."""

    session: SessionName
    party: Party
    windows: list[Window]
    next_from: NextFrom


class PartyRow(Answer):
    """One party of a session: from when to when it was read, and how it comes across now."""

    session: SessionName
    party: Party
    start_ms: Ms
    end_ms: Ms
    duration_ms: int = Field(ge=0, examples=[58_000])
    label: Label
    confidence: Share | None = Field(description="of the newest window")


class Sessions(Answer):
    """The sessions with the newest windows first, a row per party."""

    sessions: list[PartyRow]


class Session(Answer):
    """One session, a row per party."""

    session: SessionName
    parties: list[PartyRow]


def _columns(modality: Modality) -> dict[str, Any]:
    said = f"what {modality} said of"
    columns: dict[str, Any] = {
        "state": (Literal["present", "held", "abstained", "missing"] | None, "null: not part of this call"),
        "reason": (Reason | None, "the most frequent reason, where it abstained"),
        "status": (Status | None, "the state, or the reason where it abstained"),
        "weight": (float | None, "share of the fused probabilities"),
        "trust": (float | None, "how far it was trusted: validation, agreement, age or an operator"),
        "agreement": (float | None, "with the others of late; null where that does not count"),
        "age_ms": (int | None, "for how long it has said nothing new, where that is held"),
        "quality": (float | None, "of its inputs, between 0 and 1"),
        "count": (int | None, "observations with probabilities"),
        "model": (str | None, "the model that spoke"),
        **{name: (float | None, f"{said} {name}") for name in EMOTIONS},
    }
    return {
        f"{modality}_{name}": (kind, Field(None, description=text)) for name, (kind, text) in columns.items()
    }


ModalityWindow = create_model(
    "ModalityWindow",
    __base__=Answer,
    __doc__="One window of one party: what each modality brought to it, in columns that begin with its name.",
    start_ms=(Ms, ...),
    end_ms=(Ms, ...),
    **{name: column for modality in MODALITIES for name, column in _columns(modality).items()},
)


class Modalities(Answer):
    """What each modality brought to each final window, in order."""

    session: SessionName
    party: Party
    windows: list[ModalityWindow]
    next_from: NextFrom
