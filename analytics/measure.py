"""What an alert rule measures in a window, and the past that it needs."""

from typing import NamedTuple

from affectstream.analytics.rules import Rule
from affectstream.schemas.labels import INDEX
from affectstream.schemas.messages import FusedEmotion

DECIMALS = 6


class Sample(NamedTuple):
    """A window that counted, for the means of a rise."""

    start_ms: int
    end_ms: int
    value: float


Past = tuple[Sample, ...]


def measure(rule: Rule, past: Past, window: FusedEmotion) -> tuple[float | None, Past]:
    """Return the value in a window, None where it says too little, and the past for the next window."""
    now = _now(rule, window)
    if now is None:
        return None, past
    value = round(now, DECIMALS)
    if rule.kind != "rise":
        return value, past
    oldest_ms = window.end_ms - 2 * rule.span_ms
    kept = tuple(sample for sample in past if sample.end_ms > oldest_ms)
    kept += (Sample(window.start_ms, window.end_ms, value),)
    return _rise(rule, kept, window.end_ms), kept


def _now(rule: Rule, window: FusedEmotion) -> float | None:
    if window.p is None or window.confidence < rule.min_confidence:
        return None
    if rule.kind == "disagreement":
        spoke = sum(state.p is not None for state in window.modalities)
        return window.disagreement if spoke > 1 else None
    return min(1.0, sum(window.p[INDEX[name]] for name in rule.emotions))


def _rise(rule: Rule, past: Past, end_ms: int) -> float | None:
    """Return the mean of the last ``seconds`` less that of the ``seconds`` before.

    None where windows that count cover less than half of either.
    """
    border_ms = end_ms - rule.span_ms
    late = [sample for sample in past if _middle_ms(sample) >= border_ms]
    early = [sample for sample in past if end_ms - 2 * rule.span_ms <= _middle_ms(sample) < border_ms]
    if min(_length_ms(early), _length_ms(late)) * 2 < rule.span_ms:
        return None
    return round(_mean(late) - _mean(early), DECIMALS)


def _middle_ms(sample: Sample) -> float:
    return (sample.start_ms + sample.end_ms) / 2


def _length_ms(samples: list[Sample]) -> int:
    return sum(sample.end_ms - sample.start_ms for sample in samples)


def _mean(samples: list[Sample]) -> float:
    weighted = sum(sample.value * (sample.end_ms - sample.start_ms) for sample in samples)
    return weighted / _length_ms(samples)
