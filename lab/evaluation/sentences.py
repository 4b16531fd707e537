"""The text model on the sentences of service calls that it never learns, in both of their styles."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from affectstream.lab.bootstrap import DRAWS, Interval, mean_interval
from affectstream.lab.calls.sentences import ANGRY_INTENTS, Sentence, Style, in_style, read_sentences
from affectstream.lab.evaluation.outcome import About, Outcome, Target
from affectstream.lab.statistics import uncalibrated
from affectstream.models.text.model import TextModel
from affectstream.schemas.labels import INDEX

STYLES: tuple[Style, ...] = ("written", "recogniser")
DATA = "sentences of service calls"
UNWELL = tuple(INDEX[emotion] for emotion in ("angry", "disgust", "sad"))


@dataclass(frozen=True)
class Share:
    """How many of the sentences of some intents are read as one of some emotions."""

    title: str
    least: float
    intents: tuple[str, ...]  # none: those that are labelled neutral
    emotions: tuple[int, ...]

    def of(self, outcome: Outcome, draws: int = DRAWS) -> tuple[Interval, int, int]:
        """Return the share in ``outcome``, its interval over topics, and of how many sentences and topics."""
        intents = np.array(outcome.parts["intent"])
        asked = np.isin(intents, self.intents) if self.intents else outcome.labels == INDEX["neutral"]
        read_so = np.isin(outcome.after.argmax(axis=1)[asked], self.emotions).astype(np.float64)
        groups = np.array(outcome.groups)[asked]
        return mean_interval(read_so, groups, draws), int(asked.sum()), len(set(groups))


SHARES = (
    Share("neutral sentences read as neutral", 0.9, (), (INDEX["neutral"],)),
    Share("complaints and escalations read as angry", 0.7, ANGRY_INTENTS, (INDEX["angry"],)),
    Share("complaints and escalations read as angry, disgust or sad", 0.8, ANGRY_INTENTS, UNWELL),
)
"""What a service call asks of the text model, and the least that is wanted."""


def outcomes(model: TextModel) -> tuple[Outcome, ...]:
    """Return what a loaded ``model`` says of the held-out sentences, one outcome a style.

    Each is read alone, as the first turn of a call is.
    """
    held = read_sentences("held")
    return tuple(_outcome(style, in_style(held, style), model) for style in STYLES)


def on_corrections(model: TextModel) -> Outcome:
    """Return what ``model`` says of mistakes that are put right, most told calmly, as recognisers write."""
    spoken = in_style(read_sentences("corrections"), STYLES[-1])
    return _outcome("mistakes put right", spoken, model)


def targets(found: Outcome, draws: int = DRAWS) -> tuple[Target, ...]:
    """Return the lines of the shares that are asked for, with their intervals over topics."""
    which = found.about.name.rpartition(", ")[2]
    lines = []
    for share in SHARES:
        interval, items, groups = share.of(found, draws)
        reached = f"{interval.value:.3f} [{interval.low:.3f}, {interval.high:.3f}]"
        title, met = f"{share.title}, {which}", interval.value >= share.least
        lines.append(Target(title, f">= {share.least:g}", reached, met, found.about, items, groups))
    return tuple(lines)


def _outcome(which: str, kept: Sequence[Sentence], model: TextModel) -> Outcome:
    split, main = "held out by topic, not trained on", which == STYLES[-1]
    about = About(f"{DATA}, {which}", DATA, split, "the seven, by intent", "topics", main=main)
    prepared = [model.prepare(s.text) for s in kept]
    p = model.predict(prepared).p
    before = uncalibrated(p, model.temperatures(prepared))
    parts = {"intent": tuple(s.intent for s in kept), "party": tuple(s.party for s in kept)}
    labels = np.array([s.label for s in kept], dtype=np.int64)
    return Outcome(about, labels, tuple(s.group for s in kept), before, p, parts)
