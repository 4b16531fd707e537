"""What a rule measures in a window: a value, what it must reach, and the windows that it stands on.

A party's own level is the mean over its first minute of windows that count, without those in which an alert
of the rule is open. A window enters it once it is older than the rule's ``seconds``. A relative rule measures
the voice alone, relative to the party's usual one, which is learnt from the same windows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from affectstream.analytics.rules import Rule
from affectstream.analytics.usual import LEAST_OWN_MS, OWN_MS, UNKNOWN, Usual, voice_of
from affectstream.schemas.alert import Level
from affectstream.schemas.fields import Distribution
from affectstream.schemas.labels import INDEX
from affectstream.schemas.messages import FusedEmotion, Modality

DECIMALS = 6
COVERED, COVERED_BEFORE = 0.5, 0.75  # of the time of a mean, the latter to begin without an own level
TIMES = 2.0  # as probable as the rivals together the rule's emotions must be

Levels = tuple[tuple[Modality, float], ...]


class Sample(NamedTuple):
    """A window that counted."""

    start_ms: int
    end_ms: int
    value: float
    rival: float  # the same of the emotions that the rule is against, by the voice or the words
    levels: Levels  # the value of each modality that was present; empty for a disagreement
    voice: Distribution | None  # as it was, for a relative rule


@dataclass(frozen=True)
class Memory:
    """What is kept of the windows before."""

    past: tuple[Sample, ...] = ()  # of the last ``seconds``, for a rise of twice that
    own_sum: float = 0.0  # of the values of a party's first minute times their length
    own_ms: int = 0
    usual: Usual = UNKNOWN


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

    ``learn`` says whether windows enter the party's own level: not while an alert of the rule is open.
    """
    sample = _sample(rule, memory.usual, window)
    if sample is None:
        return None, memory
    memory = _with(rule, memory, sample, learn)
    border_ms = window.end_ms - rule.span_ms
    late = [sample for sample in memory.past if _middle_ms(sample) >= border_ms]
    early = [sample for sample in memory.past if border_ms - rule.span_ms <= _middle_ms(sample) < border_ms]
    own = _own(rule, memory)
    begins_early = learn and rule.learns and own is None
    number = _number(rule, late, early, COVERED_BEFORE if begins_early else COVERED)
    if number is None:
        return None, memory
    baseline = round(_mean(early), DECIMALS) if rule.kind == "rise" else own
    required = _required(rule, own, late)
    return Measure(number, required, baseline, len(late), _mean_levels(late)), memory


def _sample(rule: Rule, usual: Usual, window: FusedEmotion) -> Sample | None:
    """Return what a window counts with; None where it does not."""
    if window.p is None or window.confidence < rule.min_confidence:
        return None
    found = {s.modality: s.p for s in window.modalities if s.p is not None}
    if rule.relative:
        return _of_voice(rule, usual, window, found.get("text"))
    if rule.kind != "disagreement":
        return _of_emotions(rule, window, window.p, found)
    value = round(window.disagreement, DECIMALS)
    return Sample(window.start_ms, window.end_ms, value, 0.0, (), None) if len(found) > 1 else None


def _of_voice(rule: Rule, usual: Usual, window: FusedEmotion, words: Distribution | None) -> Sample | None:
    voice = voice_of(window)
    if voice is None or voice.p is None or voice.model_id not in rule.relative:
        return None
    p = usual.relative(voice.p, rule.relative[voice.model_id])
    sample = _of_emotions(rule, window, p, {"audio": p})
    said = round(_sum(rule.against_words, words), DECIMALS) if words is not None else 0.0
    return sample._replace(voice=voice.p, rival=max(sample.rival, said))


def _of_emotions(
    rule: Rule, window: FusedEmotion, p: Distribution, found: Mapping[Modality, Distribution]
) -> Sample:
    value, rival = (round(_sum(names, p), DECIMALS) for names in (rule.emotions, rule.against))
    levels = tuple((modality, _sum(rule.emotions, each)) for modality, each in found.items())
    return Sample(window.start_ms, window.end_ms, value, rival, levels, None)


def _own(rule: Rule, memory: Memory) -> float | None:
    """Return the party's own level, None before there is one; for a relative rule that of its usual voice."""
    if rule.relative and memory.usual.length_ms >= LEAST_OWN_MS:
        return round(_sum(rule.emotions, memory.usual.p), DECIMALS)
    return round(memory.own_sum / memory.own_ms, DECIMALS) if memory.own_ms >= LEAST_OWN_MS else None


def _required(rule: Rule, own: float | None, late: Sequence[Sample]) -> float:
    """Return what the number must reach: the level, more against the party's own, and twice what rivals have.

    For a rule that compares with the party's own, the level lies half way to 1 as long as that is not known.
    """
    level = (1.0 + rule.level) / 2 if rule.learns and own is None else rule.level
    above = own + rule.above_own if own is not None and rule.above_own is not None else 0.0
    last = late if rule.averages else late[-1:]
    rivals = TIMES * _mean_of([sample.rival for sample in last], last)
    return round(min(1.0, max(level, above, rivals)), DECIMALS)


def _number(rule: Rule, late: Sequence[Sample], early: Sequence[Sample], covered: float) -> float | None:
    """Return what counts for the rule; None where a mean stands on less than ``covered`` of its time."""
    if rule.kind not in ("rise", "average"):
        return late[-1].value
    if _length_ms(late) < covered * rule.span_ms:
        return None
    if rule.kind == "average":
        return round(_mean(late), DECIMALS)
    if _length_ms(early) < covered * rule.span_ms:
        return None
    return round(_mean(late) - _mean(early), DECIMALS)


def _sum(emotions: Sequence[str], p: Sequence[float]) -> float:
    return min(1.0, sum(p[INDEX[name]] for name in emotions))


def _with(rule: Rule, memory: Memory, sample: Sample, learn: bool) -> Memory:
    """Return the memory with one more window, without those that are too old."""
    reach_ms = rule.span_ms * (2 if rule.kind == "rise" else 1)
    past = (*memory.past, sample)
    kept = tuple(one for one in past if one.end_ms > sample.end_ms - reach_ms)
    memory = replace(memory, past=kept)
    for one in past[: len(past) - len(kept)] if learn else ():
        memory = _learnt(rule, memory, one)
    return memory


def _learnt(rule: Rule, memory: Memory, sample: Sample) -> Memory:
    """Return the memory with one more window in what is the party's own, where that is not known yet."""
    length_ms = sample.end_ms - sample.start_ms
    if rule.relative and sample.voice is not None and memory.usual.length_ms < OWN_MS:
        return replace(memory, usual=memory.usual.add(sample.voice, length_ms))
    if rule.above_own is not None and memory.own_ms < OWN_MS:
        own_sum = memory.own_sum + sample.value * length_ms
        return replace(memory, own_sum=own_sum, own_ms=memory.own_ms + length_ms)
    return memory


def _middle_ms(sample: Sample) -> float:
    return (sample.start_ms + sample.end_ms) / 2


def _length_ms(samples: Sequence[Sample]) -> int:
    return sum(sample.end_ms - sample.start_ms for sample in samples)


def _mean(samples: Sequence[Sample]) -> float:
    return _mean_of([sample.value for sample in samples], samples)


def _mean_of(values: Sequence[float], samples: Sequence[Sample]) -> float:
    weighted = sum(v * (s.end_ms - s.start_ms) for v, s in zip(values, samples, strict=True))
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
