"""What the figures of the bench of calls must be."""

from typing import NamedTuple

from affectstream.lab.calls.bench import WORDED


class Demand(NamedTuple):
    """What a figure must be."""

    what: str
    row: str
    figure: str
    at_least: float | None = None
    at_most: float | None = None

    @property
    def wanted(self) -> str:
        """Return the bound as it is shown."""
        return f">= {self.at_least:g}" if self.at_least is not None else f"<= {self.at_most:g}"

    def met(self, value: float) -> bool:
        """Return whether a value satisfies the bound."""
        return value >= self.at_least if self.at_least is not None else value <= (self.at_most or 0.0)


DEMANDS = (
    Demand("routine: share of spoken windows shown as neutral or left open", "calls", "calm", at_least=0.75),
    Demand("routine: alerts an hour, all shipped rules", "calls", "alerts an hour", at_most=1.0),
    Demand("routine: neighbouring windows with the same display", "calls", "same as before", at_least=0.75),
    Demand("routine: total variation between a recording's halves", "calls", "between halves", at_most=0.15),
    Demand("lines: equal displays on the worst line", "lines", "equal", at_least=0.8),
    Demand("lines: total variation on the worst line", "lines", "total variation", at_most=0.15),
    Demand("lines: alerts an hour of the same calls on all lines", "lines", "alerts an hour", at_most=1.0),
    Demand("staged anger of RAVDESS: share found by an alert", "staged/ravdess", "recall", at_least=0.75),
    Demand("staged anger of all corpora: share found by an alert", "staged", "recall", at_least=0.75),
    Demand("staged anger: precision of the alerts for anger", "staged", "precision", at_least=0.8),
    Demand(
        "routine, with words: share of spoken windows shown as neutral or left open",
        f"calls{WORDED}",
        "calm",
        at_least=0.75,
    ),
    Demand(
        "routine, with words: alerts an hour, all shipped rules",
        f"calls{WORDED}",
        "alerts an hour",
        at_most=1.0,
    ),
    Demand(
        "staged anger of all corpora, with words: share found by an alert",
        f"staged{WORDED}",
        "recall",
        at_least=0.75,
    ),
    Demand(
        "staged anger, with words: precision of the alerts for anger",
        f"staged{WORDED}",
        "precision",
        at_least=0.8,
    ),
    Demand(
        "neutral acted speech, with words: alerts an hour, all shipped rules",
        f"staged{WORDED}",
        "calm an hour",
        at_most=1.0,
    ),
    Demand("words: neutral sentences right", "words/written: neutral", "right", at_least=0.9),
    Demand("words: complaints and escalation angry", "words/written: complaints", "right", at_least=0.7),
    Demand(
        "words: the same angry, disgust or sad",
        "words/written: complaints",
        "angry, disgust or sad",
        at_least=0.8,
    ),
)
