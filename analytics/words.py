"""Alerts and contradictions as plain sentences."""

from collections.abc import Sequence

from affectstream.analytics.rules import Rule
from affectstream.schemas.conflict import sides
from affectstream.schemas.labels import EMOTIONS
from affectstream.schemas.messages import FusedEmotion


def top(p: Sequence[float]) -> str:
    """Return the most probable emotion, the first in label order of equals."""
    return EMOTIONS[max(range(len(EMOTIONS)), key=lambda i: p[i])]


def begun(rule: Rule, window: FusedEmotion) -> str:
    """Return the sentence of an alert that begins in a window."""
    text = f"{window.party}: {_condition(rule)}"
    if rule.kind == "rise":
        return f"{text} within {rule.seconds:g} s"
    if rule.kind == "above":
        return f"{text} for {rule.seconds:g} s"
    spoke = {s.modality: top(s.p) for s in window.modalities if s.p is not None}
    return f"{text} for {rule.seconds:g} s ({sides(spoke)})"


def ended(rule: Rule, window: FusedEmotion, since_ms: int, peak: float) -> str:
    """Return the sentence of an alert that ends in a window."""
    lasted_s = (window.start_ms - since_ms) / 1000
    return f"{window.party}: {_condition(rule)} is over after {lasted_s:g} s, highest {peak:.2f}"


def _condition(rule: Rule) -> str:
    if rule.kind == "disagreement":
        return f"modalities disagree by at least {rule.level:.2f}"
    verb = "at least" if rule.kind == "above" else "up by at least"
    return f"{' + '.join(rule.emotions)} {verb} {rule.level:.2f}"
