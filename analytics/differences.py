"""What differs between two readings of a session: window by window, in all, and in the alerts raised."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from affectstream.analytics.alerts import Rules, alerts
from affectstream.schemas.messages import FusedEmotion, Party

WindowKey = tuple[int, Party]  # end and party


@dataclass(frozen=True)
class WindowDifference:
    """One window of a party, before and after."""

    party: Party
    start_ms: int
    end_ms: int
    before: str | None  # label; None where there is none
    after: str | None
    distance: float  # total variation between the distributions, 0 to 1; 1 where one reading has none
    confidence_before: float
    confidence_after: float


@dataclass(frozen=True)
class Raised:
    """An alert from its begin to its end; the end is that of the session where it stays."""

    rule: str
    party: Party
    since_ms: int
    until_ms: int
    text: str


@dataclass(frozen=True)
class Differences:
    """All differences of a session."""

    windows: tuple[WindowDifference, ...]  # that both readings have
    only_before: int  # windows that one reading alone has
    only_after: int
    gained: tuple[Raised, ...]  # alerts that the reading before had not
    lost: tuple[Raised, ...]

    def summary(self) -> dict[str, float | int]:
        """Return the session in numbers; means are over the windows that both readings have."""
        count = max(1, len(self.windows))
        return {
            "windows": len(self.windows),
            "only_before": self.only_before,
            "only_after": self.only_after,
            "labels_changed": sum(each.before != each.after for each in self.windows),
            "mean_distance": sum(each.distance for each in self.windows) / count,
            "largest_distance": max((each.distance for each in self.windows), default=0.0),
            "confidence_before": sum(each.confidence_before for each in self.windows) / count,
            "confidence_after": sum(each.confidence_after for each in self.windows) / count,
            "alerts_gained": len(self.gained),
            "alerts_lost": len(self.lost),
        }

    def record(self) -> dict[str, Any]:
        """Return everything as what JSON can hold."""
        return {
            "summary": self.summary(),
            "windows": [asdict(each) for each in self.windows],
            "alerts": {
                "gained": [asdict(each) for each in self.gained],
                "lost": [asdict(each) for each in self.lost],
            },
        }


def differences(before: Sequence[FusedEmotion], after: Sequence[FusedEmotion], rules: Rules) -> Differences:
    """Return what differs between the finals of two readings of one session, alerts by the same rules."""
    old, new = _by_window(before), _by_window(after)
    both = sorted(old.keys() & new.keys())
    raised_before, raised_after = raised(rules, before), raised(rules, after)
    return Differences(
        tuple(_difference(old[key], new[key]) for key in both),
        len(old.keys() - new.keys()),
        len(new.keys() - old.keys()),
        tuple(each for each in raised_after if not _overlaps(each, raised_before)),
        tuple(each for each in raised_before if not _overlaps(each, raised_after)),
    )


def raised(rules: Rules, finals: Sequence[FusedEmotion]) -> list[Raised]:
    """Return the alerts of a session, each from its begin to its end."""
    ordered = sorted(finals, key=lambda window: (window.end_ms, window.party))
    found = alerts(rules, ordered)
    last_ms = ordered[-1].end_ms if ordered else 0
    ends = {alert.alert_id: alert.end_ms for alert in found if alert.edge == "end"}
    return [
        Raised(alert.rule, alert.party, alert.since_ms, ends.get(alert.alert_id, last_ms), alert.text)
        for alert in found
        if alert.edge == "begin"
    ]


def _by_window(finals: Iterable[FusedEmotion]) -> Mapping[WindowKey, FusedEmotion]:
    return {(window.end_ms, window.party): window for window in finals}


def _difference(before: FusedEmotion, after: FusedEmotion) -> WindowDifference:
    return WindowDifference(
        before.party,
        before.start_ms,
        before.end_ms,
        before.label,
        after.label,
        _distance(before.p, after.p),
        before.confidence,
        after.confidence,
    )


def _distance(p: Sequence[float] | None, q: Sequence[float] | None) -> float:
    if p is None or q is None:
        return 0.0 if p is q else 1.0
    return sum(abs(a - b) for a, b in zip(p, q, strict=True)) / 2


def _overlaps(one: Raised, others: Iterable[Raised]) -> bool:
    return any(
        (one.rule, one.party) == (other.rule, other.party)
        and one.since_ms < other.until_ms
        and other.since_ms < one.until_ms
        for other in others
    )
