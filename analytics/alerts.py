"""Alert rules over the finals of a party, as a fold in window order.

A window that says too little for a rule (no evidence, too little confidence, fewer than two modalities for a
disagreement) neither starts nor ends an alert of it. What has been decided is never taken back.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from affectstream.analytics import words
from affectstream.analytics.measure import Past, measure
from affectstream.analytics.rules import Rule
from affectstream.schemas.messages import Alert, FusedEmotion

Rules = Sequence[Rule]


@dataclass(frozen=True)
class Watch:
    """How far one rule has come: nothing seen, a start that may become an alert, or an open alert."""

    since_ms: int | None = None  # start of the first window that holds
    held_ms: int = 0  # of the windows that count since then
    seen_ms: int = 0  # end of the last of them
    peak: float = -1.0
    open: bool = False
    rest_ms: int = 0  # no start before: cooldown
    past: Past = ()


@dataclass(frozen=True)
class State:
    """How far all rules have come for one party."""

    end_ms: int  # of the last window that was folded in; one that is not later changes nothing
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
    value, past = measure(rule, was.past, window)
    watch = replace(was, past=past)
    if value is None:
        return watch, None
    if watch.open:
        return _while_open(rule, watch, window, value)
    return _while_closed(rule, watch, window, value)


def _while_closed(rule: Rule, watch: Watch, window: FusedEmotion, value: float) -> tuple[Watch, Alert | None]:
    if value < rule.level or window.start_ms < watch.rest_ms:
        return Watch(rest_ms=watch.rest_ms, past=watch.past), None
    held = _held(rule, watch, window, value)
    if rule.kind != "rise" and held.held_ms < rule.span_ms:
        return held, None
    opened = replace(held, open=True)
    return opened, _alert(rule, opened, window, value, "begin", words.begun(rule, window))


def _held(rule: Rule, watch: Watch, window: FusedEmotion, value: float) -> Watch:
    """Return the watch with a window more that holds; after too long a gap it counts anew."""
    if watch.since_ms is None or window.start_ms - watch.seen_ms > rule.span_ms:
        since_ms = max(0, window.end_ms - rule.span_ms) if rule.kind == "rise" else window.start_ms
        watch = Watch(since_ms=since_ms, rest_ms=watch.rest_ms, past=watch.past)
    return replace(
        watch,
        held_ms=watch.held_ms + window.end_ms - window.start_ms,
        seen_ms=window.end_ms,
        peak=max(watch.peak, value),
    )


def _while_open(rule: Rule, watch: Watch, window: FusedEmotion, value: float) -> tuple[Watch, Alert | None]:
    if value >= rule.low:
        return replace(watch, peak=max(watch.peak, value)), None
    text = words.ended(rule, window, watch.since_ms or 0, watch.peak)
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
