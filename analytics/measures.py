"""What a rule measures in a window: a value, what it must reach, and the windows that it stands on.

A party's own level is the mean over its first minute of windows that count, without those in which an alert
of the rule is open. A window enters it once it is older than the rule's ``seconds``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from affectstream.analytics.rules import Rule
from affectstream.schemas.alert import Level
from affectstream.schemas.labels import INDEX
from affectstream.schemas.messages import FusedEmotion, Modality

DECIMALS = 6
OWN_MS = 60_000  # how much of a party makes its own level
LEAST_OWN_MS = 10_000  # with less there is none yet

Levels = tuple[tuple[Modality, float], ...]


class Sample(NamedTuple):
    """A window that counted."""

    start_ms: int
    end_ms: int
    value: float
    levels: Levels  # the same of each modality that was present; empty for a disagreement


@dataclass(frozen=True)
class Memory:
    """What is kept of the windows before."""

    past: tuple[Sample, ...] = ()  # of the last ``seconds``, for a rise of twice that
    own_sum: float = 0.0  # of the values of a party's first minute times their length
    own_ms: int = 0

    @property
    def own(self) -> float | None:
        """Return the party's own level, None before there is one."""
        return round(self.own_sum / self.own_ms, DECIMALS) if self.own_ms >= LEAST_OWN_MS else None


NOTHING = Memory()


@dataclass(frozen=True)
class Measure:
    """What a rule measures in a window, and on what it stands."""

    value: float
    required: float  # to begin; an alert is over ``hysteresis`` below
    baseline: float | None  # what it is compared with: the own level, for a rise the mean before
    windows: int  # that count, among the last ``seconds``
    levels: tuple[Level, ...]  # means over them


def measure(rule: Rule, memory: Memory, window: FusedEmotion, learn: bool) -> tuple[Measure | None, Memory]:
    """Return the measure of a window, None where it does not count, and the memory for the next.

    ``learn`` says whether windows enter the party's own level.
    """
    value = _value(rule, window)
    if value is None:
        return None, memory
    sample = Sample(window.start_ms, window.end_ms, round(value, DECIMALS), _levels(rule, window))
    memory = _with(rule, memory, sample, learn)
    border_ms = window.end_ms - rule.span_ms
    late = [sample for sample in memory.past if _middle_ms(sample) >= border_ms]
    early = [sample for sample in memory.past if border_ms - rule.span_ms <= _middle_ms(sample) < border_ms]
    number = _number(rule, late, early)
    if number is None:
        return None, memory
    own = memory.own if rule.above_own is not None else None
    required = rule.level if own is None else min(1.0, max(rule.level, own + (rule.above_own or 0.0)))
    baseline = round(_mean(early), DECIMALS) if rule.kind == "rise" else own
    return Measure(number, round(required, DECIMALS), baseline, len(late), _mean_levels(late)), memory


def _number(rule: Rule, late: Sequence[Sample], early: Sequence[Sample]) -> float | None:
    """Return what counts for the rule; None where a mean stands on less than half of its time."""
    if rule.kind not in ("rise", "average"):
        return late[-1].value
    if _length_ms(late) * 2 < rule.span_ms:
        return None
    if rule.kind == "average":
        return round(_mean(late), DECIMALS)
    return round(_mean(late) - _mean(early), DECIMALS) if _length_ms(early) * 2 >= rule.span_ms else None


def _value(rule: Rule, window: FusedEmotion) -> float | None:
    if window.p is None or window.confidence < rule.min_confidence:
        return None
    if rule.kind == "disagreement":
        present = sum(state.p is not None for state in window.modalities)
        return window.disagreement if present > 1 else None
    return _sum(rule, window.p)


def _sum(rule: Rule, p: Sequence[float]) -> float:
    return min(1.0, sum(p[INDEX[name]] for name in rule.emotions))


def _levels(rule: Rule, window: FusedEmotion) -> Levels:
    if not rule.emotions:
        return ()
    return tuple((s.modality, _sum(rule, s.p)) for s in window.modalities if s.p is not None)


def _with(rule: Rule, memory: Memory, sample: Sample, learn: bool) -> Memory:
    """Return the memory with one more window, without those that are too old."""
    reach_ms = rule.span_ms * (2 if rule.kind == "rise" else 1)
    past = (*memory.past, sample)
    kept = tuple(one for one in past if one.end_ms > sample.end_ms - reach_ms)
    own_sum, own_ms = memory.own_sum, memory.own_ms
    if learn and rule.above_own is not None:
        for one in past[: len(past) - len(kept)]:
            if own_ms < OWN_MS:
                own_sum += one.value * (one.end_ms - one.start_ms)
                own_ms += one.end_ms - one.start_ms
    return Memory(kept, own_sum, own_ms)


def _middle_ms(sample: Sample) -> float:
    return (sample.start_ms + sample.end_ms) / 2


def _length_ms(samples: Sequence[Sample]) -> int:
    return sum(sample.end_ms - sample.start_ms for sample in samples)


def _mean(samples: Sequence[Sample]) -> float:
    weighted = sum(sample.value * (sample.end_ms - sample.start_ms) for sample in samples)
    return weighted / _length_ms(samples)


def _mean_levels(samples: Sequence[Sample]) -> tuple[Level, ...]:
    values: dict[Modality, list[float]] = {}
    for sample in samples:
        for modality, level in sample.levels:
            values.setdefault(modality, []).append(level)
    return tuple(
        Level(modality=modality, level=round(sum(found) / len(found), DECIMALS))
        for modality, found in values.items()
    )
