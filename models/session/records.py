"""What a session amounts to, as records that commands, pages and programs read; imports pydantic and schemas.

Times are milliseconds since the Unix epoch, shares and probabilities lie in [0, 1] with six decimals,
emotions are named. Equal finals give equal records.
"""

from pydantic import BaseModel, ConfigDict

from schemas.messages import Party

Named = dict[str, float]  # emotion: value, in the order of the labels

DECIMALS = 6


class Part(BaseModel):
    """What the records share."""

    model_config = ConfigDict(frozen=True)


class Quarter(Part):
    """A quarter of the call, for one party."""

    start_ms: int
    end_ms: int
    label: str | None  # of the largest mean probability; None without evidence
    mean: Named | None  # probabilities over its windows with evidence
    unknown: float  # share of its time without a label; 1 where it has no window


class TurningPoint(Part):
    """A moment at which a party changed: the mean distributions before and after it differ most here."""

    at_ms: int
    before: str
    after: str
    strength: float  # Jensen-Shannon divergence of the two, as a share of its maximum


class Episode(Part):
    """A stretch of time in which the modalities contradicted each other."""

    start_ms: int
    end_ms: int
    peak: float  # the largest disagreement
    said: dict[str, str]  # modality: the label of its mean distribution
    text: str  # "words neutral, voice angry"


class PartySummary(Part):
    """One party's session."""

    party: Party
    start_ms: int
    end_ms: int
    dominant: tuple[str, ...]  # labels with a fifth of the time or more, the longest first
    shares: Named  # of the time, by label; the rest is unknown
    unknown: float
    mean: Named | None  # probabilities over the windows with evidence
    confidence: float  # mean over the windows with evidence
    disagreeing: float  # share of the time with modalities that contradict each other
    change: Named | None  # mean of the last fifth of the time less that of the first; None without evidence
    quarters: tuple[Quarter, ...]
    turning_points: tuple[TurningPoint, ...]
    episodes: tuple[Episode, ...]


class Summary(Part):
    """A session: its time, and every party in a fixed order."""

    session: str
    start_ms: int
    end_ms: int
    parties: tuple[PartySummary, ...]
