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


CALM = "share of spoken windows shown as neutral or left open"
AN_HOUR = "alerts an hour, all shipped rules"
FOUND = "share found by an alert"
DEMANDS = (
    Demand(f"routine: {CALM}", "calls", "calm", at_least=0.75),
    Demand(f"routine: {AN_HOUR}", "calls", "alerts an hour", at_most=1.0),
    Demand("routine: neighbouring windows with the same display", "calls", "same as before", at_least=0.75),
    Demand("routine: total variation between a recording's halves", "calls", "between halves", at_most=0.15),
    Demand("lines: equal displays on the worst line", "lines", "equal", at_least=0.8),
    Demand("lines: total variation on the worst line", "lines", "total variation", at_most=0.15),
    Demand("lines: alerts an hour of the same calls on all lines", "lines", "alerts an hour", at_most=1.0),
    Demand(f"calm strangers: {CALM}", "strangers", "calm", at_least=0.75),
    Demand(f"calm strangers: {AN_HOUR}", "strangers", "alerts an hour", at_most=1.0),
    Demand(f"staged anger of RAVDESS: {FOUND}", "anger/ravdess", "recall", at_least=0.75),
    Demand(f"staged anger of all corpora: {FOUND}", "anger", "recall", at_least=0.75),
    Demand("staged anger: precision of the alerts for anger", "anger", "precision", at_least=0.8),
    Demand(
        "staged sadness and fear: precision of the alerts for them", "distress", "precision", at_least=0.8
    ),
    Demand(f"routine, with words: {CALM}", f"calls{WORDED}", "calm", at_least=0.75),
    Demand(f"routine, with words: {AN_HOUR}", f"calls{WORDED}", "alerts an hour", at_most=1.0),
    Demand(f"staged anger, with words: {FOUND}", f"anger{WORDED}", "recall", at_least=0.75),
    Demand("staged anger, with words: precision", f"anger{WORDED}", "precision", at_least=0.8),
    Demand(f"staged sadness and fear, with words: {FOUND}", f"distress{WORDED}", "recall", at_least=0.5),
    Demand("staged sadness and fear, with words: precision", f"distress{WORDED}", "precision", at_least=0.8),
    Demand(f"neutral acted speech, with words: {AN_HOUR}", f"windows{WORDED}", "calm an hour", at_most=1.0),
    Demand("words: neutral sentences right", "words/written: neutral", "right", at_least=0.9),
    Demand("words: complaints and escalation angry", "words/written: complaints", "right", at_least=0.7),
    Demand(
        "words: the same angry, disgust or sad",
        "words/written: complaints",
        "angry, disgust or sad",
        at_least=0.8,
    ),
)
