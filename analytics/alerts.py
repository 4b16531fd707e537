"""Alert rules as a fold over a party's finals in window order.

A window that does not count for a rule (no evidence, too little confidence, fewer than two modalities for a
disagreement) neither starts nor ends an alert of it. A decision is never taken back.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from affectstream.analytics.measures import NOTHING, Measure, Memory, measure
from affectstream.analytics.rules import Rule
from affectstream.schemas.alert import Alert
from affectstream.schemas.conflict import WORDS, sides
from affectstream.schemas.labels import top
from affectstream.schemas.messages import FusedEmotion

Rules = Sequence[Rule]


@dataclass(frozen=True)
class Watch:
    """The state of one rule: nothing seen, a start that may become an alert, or an open alert."""

    since_ms: int | None = None  # start of the first window that holds
    counted_ms: int = 0  # total length of the windows that count since then
    seen_ms: int = 0  # end of the last of them
    peak: float = -1.0
    open: bool = False
    rest_ms: int = 0  # no start before: cooldown
    memory: Memory = NOTHING


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
    measured, memory = measure(rule, was.memory, window, learn=not was.open)
    watch = was if memory is was.memory else replace(was, memory=memory)
    if measured is None:
        return watch, None
    if watch.open:
        return _while_open(rule, watch, window, measured)
    return _while_closed(rule, watch, window, measured)


def _while_closed(
    rule: Rule, watch: Watch, window: FusedEmotion, measured: Measure
) -> tuple[Watch, Alert | None]:
    if measured.value < measured.required or window.start_ms < watch.rest_ms:
        started = watch.since_ms is not None
        return Watch(rest_ms=watch.rest_ms, memory=watch.memory) if started else watch, None
    extended = _extended(rule, watch, window, measured.value)
    if not rule.averages and extended.counted_ms < rule.span_ms:
        return extended, None
    opened = replace(extended, open=True)
    return opened, _alert(rule, opened, window, measured, "begin", _begin_text(rule, window, measured))


def _extended(rule: Rule, watch: Watch, window: FusedEmotion, value: float) -> Watch:
    """Return the watch with one more window that counts; after too long a gap the count starts again."""
    if watch.since_ms is None or window.start_ms - watch.seen_ms > rule.span_ms:
        since_ms = max(0, window.end_ms - rule.span_ms) if rule.averages else window.start_ms
        watch = Watch(since_ms=since_ms, rest_ms=watch.rest_ms, memory=watch.memory)
    return replace(
        watch,
        counted_ms=watch.counted_ms + window.end_ms - window.start_ms,
        seen_ms=window.end_ms,
        peak=max(watch.peak, value),
    )


def _while_open(
    rule: Rule, watch: Watch, window: FusedEmotion, measured: Measure
) -> tuple[Watch, Alert | None]:
    if measured.value >= round(measured.required - rule.hysteresis, 6):
        return replace(watch, peak=max(watch.peak, measured.value)), None
    text = _end_text(rule, window, watch.since_ms or 0, watch.peak)
    alert = _alert(rule, watch, window, measured, "end", text)
    return Watch(rest_ms=window.end_ms + rule.cooldown_ms, memory=watch.memory), alert


def _alert(
    rule: Rule,
    watch: Watch,
    window: FusedEmotion,
    measured: Measure,
    edge: Literal["begin", "end"],
    text: str,
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
        value=measured.value,
        peak=watch.peak,
        level=measured.required,
        baseline=measured.baseline,
        windows=measured.windows,
        levels=measured.levels,
        text=text,
    )


def _begin_text(rule: Rule, window: FusedEmotion, measured: Measure) -> str:
    """Describe an alert that begins in a window, and the evidence for it."""
    text = (
        f"{window.party}: {_condition(rule)} {'within' if rule.kind == 'rise' else 'for'} {rule.seconds:g} s"
    )
    if rule.kind == "disagreement":
        present = {s.modality: top(s.p) for s in window.modalities if s.p is not None}
        return f"{text} ({sides(present)})"
    parts = [f"own level {measured.baseline:.2f}"] if rule.learns and measured.baseline is not None else []
    parts += [f"{WORDS[each.modality]} {each.level:.2f}" for each in measured.levels]
    return f"{text} ({', '.join(parts)})" if parts else text


def _end_text(rule: Rule, window: FusedEmotion, since_ms: int, peak: float) -> str:
    """Describe an alert that ends in a window."""
    lasted_s = (window.start_ms - since_ms) / 1000
    return f"{window.party}: {_condition(rule)} is over after {lasted_s:g} s, highest {peak:.2f}"


def _condition(rule: Rule) -> str:
    if rule.kind == "disagreement":
        return f"modalities disagree by at least {rule.level:.2f}"
    verb = "up by at least" if rule.kind == "rise" else "at least"
    own = f" and {rule.above_own:.2f} above the own level" if rule.above_own else ""
    named = " + ".join(rule.emotions)
    if rule.relative:
        return f"{named} in the voice {verb} {rule.level:.2f} against its usual"
    return f"{named} {verb} {rule.level:.2f}{own}"
