"""Alert rules as a fold over a party's finals in window order.

A window that does not count for a rule (no evidence, too little confidence, fewer than two modalities for a
disagreement) neither starts nor ends an alert of it. A decision is never taken back.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from affectstream.analytics.rules import Rule
from affectstream.schemas.conflict import sides
from affectstream.schemas.labels import INDEX, top
from affectstream.schemas.messages import Alert, FusedEmotion

DECIMALS = 6

Rules = Sequence[Rule]


class Sample(NamedTuple):
    """A window that counted, for the means of a rise."""

    start_ms: int
    end_ms: int
    value: float


Past = tuple[Sample, ...]


@dataclass(frozen=True)
class Watch:
    """The state of one rule: nothing seen, a start that may become an alert, or an open alert."""

    since_ms: int | None = None  # start of the first window that holds
    counted_ms: int = 0  # total length of the windows that count since then
    seen_ms: int = 0  # end of the last of them
    peak: float = -1.0
    open: bool = False
    rest_ms: int = 0  # no start before: cooldown
    past: Past = ()


@dataclass(frozen=True)
class State:
    """The state of all rules for one party."""

    end_ms: int  # of the last window folded in; an older or equal one changes nothing
    watches: tuple[Watch, ...]  # in the order of the rules


def start(rules: Rules) -> State:
    """Return the state before the first window."""
    return State(-1, (Watch(),) * len(rules))


def step(rules: Rules, state: State, window: FusedEmotion) -> tuple[State, list[Alert]]:
    """Return the state after a final window, and the alerts that begin or end with it."""
    if window.end_ms <= state.end_ms:
        return state, []
    watches, alerts = [], []
    for rule, watch in zip(rules, state.watches, strict=True):
        after, alert = _step(rule, watch, window) if window.party in rule.parties else (watch, None)
        watches.append(after)
        alerts += [alert] if alert else []
    return State(window.end_ms, tuple(watches)), alerts


def fold(rules: Rules, state: State, windows: Iterable[FusedEmotion]) -> tuple[State, list[Alert]]:
    """Return the state after a party's windows in order, and their alerts."""
    alerts: list[Alert] = []
    for window in windows:
        state, new = step(rules, state, window)
        alerts += new
    return state, alerts


def alerts(rules: Rules, finals: Iterable[FusedEmotion]) -> list[Alert]:
    """Return the alerts of all parties of sessions, in the order of ``in_order``."""
    parties: dict[tuple[str, str], State] = {}
    found: list[Alert] = []
    for window in sorted(finals, key=lambda w: w.end_ms):
        key = window.session_id, window.party
        parties[key], new = step(rules, parties.get(key) or start(rules), window)
        found += new
    return in_order(found)


def in_order(found: Iterable[Alert]) -> list[Alert]:
    """Return alerts by the time of their decision, then by party and name."""
    return sorted(found, key=lambda a: (a.end_ms, a.session_id, a.party, a.rule, a.edge))


def _step(rule: Rule, was: Watch, window: FusedEmotion) -> tuple[Watch, Alert | None]:
    value, past = _measure(rule, was.past, window)
    watch = was if past is was.past else replace(was, past=past)
    if value is None:
        return watch, None
    if watch.open:
        return _while_open(rule, watch, window, value)
    return _while_closed(rule, watch, window, value)


def _while_closed(rule: Rule, watch: Watch, window: FusedEmotion, value: float) -> tuple[Watch, Alert | None]:
    if value < rule.level or window.start_ms < watch.rest_ms:
        started = watch.since_ms is not None
        return Watch(rest_ms=watch.rest_ms, past=watch.past) if started else watch, None
    extended = _extended(rule, watch, window, value)
    if rule.kind != "rise" and extended.counted_ms < rule.span_ms:
        return extended, None
    opened = replace(extended, open=True)
    return opened, _alert(rule, opened, window, value, "begin", _begin_text(rule, window))


def _extended(rule: Rule, watch: Watch, window: FusedEmotion, value: float) -> Watch:
    """Return the watch with one more window that counts; after too long a gap the count starts again."""
    if watch.since_ms is None or window.start_ms - watch.seen_ms > rule.span_ms:
        since_ms = max(0, window.end_ms - rule.span_ms) if rule.kind == "rise" else window.start_ms
        watch = Watch(since_ms=since_ms, rest_ms=watch.rest_ms, past=watch.past)
    return replace(
        watch,
        counted_ms=watch.counted_ms + window.end_ms - window.start_ms,
        seen_ms=window.end_ms,
        peak=max(watch.peak, value),
    )


def _while_open(rule: Rule, watch: Watch, window: FusedEmotion, value: float) -> tuple[Watch, Alert | None]:
    if value >= rule.low:
        return replace(watch, peak=max(watch.peak, value)), None
    text = _end_text(rule, window, watch.since_ms or 0, watch.peak)
    alert = _alert(rule, watch, window, value, "end", text)
    return Watch(rest_ms=window.end_ms + rule.cooldown_ms, past=watch.past), alert


def _alert(
    rule: Rule, watch: Watch, window: FusedEmotion, value: float, edge: Literal["begin", "end"], text: str
) -> Alert:
    since_ms = watch.since_ms or 0
    return Alert(
        alert_id=f"{rule.name}/{window.session_id}/{window.party}/{since_ms}",
        edge=edge,
        session_id=window.session_id,
        party=window.party,
        rule=rule.name,
        kind=rule.kind,
        since_ms=since_ms,
        start_ms=window.start_ms,
        end_ms=window.end_ms,
        value=value,
        peak=watch.peak,
        level=rule.level,
        text=text,
    )


def _measure(rule: Rule, past: Past, window: FusedEmotion) -> tuple[float | None, Past]:
    """Return the value in a window, None where it does not count, and the past for the next window."""
    value = _value(rule, window)
    if value is None:
        return None, past
    value = round(value, DECIMALS)
    if rule.kind != "rise":
        return value, past
    oldest_ms = window.end_ms - 2 * rule.span_ms
    kept = tuple(sample for sample in past if sample.end_ms > oldest_ms)
    kept += (Sample(window.start_ms, window.end_ms, value),)
    return _rise(rule, kept, window.end_ms), kept


def _value(rule: Rule, window: FusedEmotion) -> float | None:
    if window.p is None or window.confidence < rule.min_confidence:
        return None
    if rule.kind == "disagreement":
        present = sum(state.p is not None for state in window.modalities)
        return window.disagreement if present > 1 else None
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


def _begin_text(rule: Rule, window: FusedEmotion) -> str:
    """Describe an alert that begins in a window."""
    text = f"{window.party}: {_condition(rule)}"
    if rule.kind == "rise":
        return f"{text} within {rule.seconds:g} s"
    if rule.kind == "above":
        return f"{text} for {rule.seconds:g} s"
    present = {s.modality: top(s.p) for s in window.modalities if s.p is not None}
    return f"{text} for {rule.seconds:g} s ({sides(present)})"


def _end_text(rule: Rule, window: FusedEmotion, since_ms: int, peak: float) -> str:
    """Describe an alert that ends in a window."""
    lasted_s = (window.start_ms - since_ms) / 1000
    return f"{window.party}: {_condition(rule)} is over after {lasted_s:g} s, highest {peak:.2f}"


def _condition(rule: Rule) -> str:
    if rule.kind == "disagreement":
        return f"modalities disagree by at least {rule.level:.2f}"
    verb = "at least" if rule.kind == "above" else "up by at least"
    return f"{' + '.join(rule.emotions)} {verb} {rule.level:.2f}"
