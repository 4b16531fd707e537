"""Result records of a session: what commands, pages and programs read.

Times are milliseconds since the Unix epoch, shares and probabilities lie in [0, 1] with six decimals,
emotions are named. Equal finals give equal records.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from affectstream.schemas.messages import Party

DECIMALS = 6

Distribution = tuple[float, ...]  # over the emotions
Named = dict[str, float]  # emotion: value, in the order of the labels
Ms = Annotated[int, Field(description="milliseconds since the Unix epoch")]
Label = Annotated[str, Field(examples=["angry"])]


def clock(ms: int) -> str:
    """Return a length as ``m:ss``, with hours where there are any."""
    seconds = max(0, ms) // 1000
    hours, minutes = seconds // 3600, seconds // 60 % 60
    return f"{hours}:{minutes:02d}:{seconds % 60:02d}" if hours else f"{minutes}:{seconds % 60:02d}"


class Part(BaseModel):
    """What the records share."""

    model_config = ConfigDict(frozen=True)


class Quarter(Part):
    """A quarter of the call, for one party."""

    start_ms: Ms
    end_ms: Ms
    label: str | None = Field(description="of the largest mean probability; null without evidence")
    mean: Named | None = Field(
        description="probabilities over its windows with evidence, what is usual of the voice taken off"
    )
    unknown: float = Field(description="share of its time without evidence; 1 where it has no window")


class TurningPoint(Part):
    """A moment at which a party changed: the mean distributions before and after it differ most here."""

    at_ms: Ms
    before: Label
    after: Label
    strength: float = Field(description="Jensen-Shannon divergence of the two, as a share of its maximum")


class Episode(Part):
    """A stretch of time in which the modalities contradicted each other."""

    start_ms: Ms
    end_ms: Ms
    peak: float = Field(description="the largest disagreement")
    said: dict[str, str] = Field(description="per modality the label of its mean distribution")
    text: str = Field(examples=["words neutral, voice angry"])


class PartySummary(Part):
    """One party's session."""

    party: Party
    start_ms: Ms
    end_ms: Ms
    dominant: tuple[str, ...] = Field(
        description="displayed labels with a fifth of the time or more, the longest first"
    )
    shares: Named = Field(description="of the time, by displayed label; the rest is unsure or unknown")
    unsure: float = Field(description="share of the time with evidence that displays no label")
    unknown: float = Field(description="share of the time without evidence")
    mean: Named | None = Field(
        description="probabilities over the windows with evidence, what is usual of the voice taken off"
    )
    confidence: float = Field(description="mean over the windows with evidence")
    disagreeing: float = Field(description="share of the time with modalities that contradict each other")
    change: Named | None = Field(
        description="mean of the last fifth of the time less that of the first; null without evidence"
    )
    quarters: tuple[Quarter, ...] = Field(description="of the call")
    turning_points: tuple[TurningPoint, ...] = Field(description="in order")
    episodes: tuple[Episode, ...] = Field(description="of contradiction, in order")
    text: str = Field(description="all of that in a line")


class Summary(Part):
    """A session: its time, and every party in a fixed order."""

    session: str = Field(description="the session's id")
    start_ms: Ms
    end_ms: Ms
    parties: tuple[PartySummary, ...] = Field(description="customer, agent, other; those there are")
