"""The summary of a session, per party, from its finals.

Shares are of time, by what is displayed. Means are over the windows with evidence. Those of the call and its
quarters, and contradictions, are of what is left where what is usual of the party's voice is taken off; a
change needs none taken off. A window belongs to the quarter, or the fifth, that its middle lies in.
"""

from collections.abc import Sequence

from affectstream.analytics.against_usual import against_usual
from affectstream.analytics.changes import RULE, episodes, mean_of, turning_points
from affectstream.analytics.label import Display, DisplayedLabel, labels
from affectstream.analytics.records import DECIMALS, Distribution, Named, PartySummary, Quarter, Summary
from affectstream.schemas.errors import InputError
from affectstream.schemas.labels import EMOTIONS, top
from affectstream.schemas.messages import PARTIES, FusedEmotion, Party

DOMINANT = 0.2  # of the time
QUARTERS = 4
CHANGED = 0.1  # of a mean probability from start to end; a smaller change is not named
ENDS = 5  # start and end of a session are a fifth of it each

Windows = Sequence[FusedEmotion]


def summarise(finals: Windows, display: Display) -> Summary:
    """Return the summary of one session from all its finals; raises InputError where there is none."""
    if not finals:
        raise InputError("there is no window to sum up")
    ordered = sorted(finals, key=lambda window: window.end_ms)
    start_ms, end_ms = min(w.start_ms for w in ordered), ordered[-1].end_ms
    parties = [p for p in PARTIES if any(w.party == p for w in ordered)]
    return Summary(
        session=ordered[0].session_id,
        start_ms=start_ms,
        end_ms=end_ms,
        parties=tuple(
            _party(party, [w for w in ordered if w.party == party], (start_ms, end_ms), display)
            for party in parties
        ),
    )


def _party(party: Party, windows: Windows, call: tuple[int, int], display: Display) -> PartySummary:
    known = [window for window in windows if window.p is not None]
    displayed, seen = labels(display, windows), against_usual(display, windows)
    shares = _shares(windows, displayed)
    made = PartySummary(
        party=party,
        start_ms=windows[0].start_ms,
        end_ms=windows[-1].end_ms,
        dominant=tuple(name for name in sorted(shares, key=lambda n: -shares[n]) if shares[name] >= DOMINANT),
        shares=shares,
        unsure=_share([w for w, d in zip(windows, displayed, strict=True) if d.uncertain], windows),
        unknown=_unknown(windows),
        mean=_named(mean_of(seen)),
        confidence=round(sum(w.confidence for w in known) / len(known), DECIMALS) if known else 0.0,
        disagreeing=_share([w for w in seen if w.disagreement >= RULE.level], windows),
        change=_change(windows),
        quarters=tuple(_quarter(seen, *_slice(call, n, QUARTERS)) for n in range(QUARTERS)),
        turning_points=turning_points(windows),
        episodes=episodes(seen),
        text="",
    )
    return made.model_copy(update={"text": _line(made)})


def _shares(windows: Windows, displayed: Sequence[DisplayedLabel]) -> Named:
    pairs = list(zip(windows, displayed, strict=True))
    found = {name: _share([w for w, d in pairs if d.label == name], windows) for name in EMOTIONS}
    return {name: share for name, share in found.items() if share > 0}


def _unknown(windows: Windows) -> float:
    return _share([w for w in windows if w.label is None], windows)


def _share(some: Windows, of: Windows) -> float:
    return round(_length_ms(some) / _length_ms(of), DECIMALS)


def _length_ms(windows: Windows) -> int:
    return sum(window.end_ms - window.start_ms for window in windows)


def _slice(span: tuple[int, int], number: int, of: int) -> tuple[int, int]:
    """Return the start and the end of one of so many equal parts of a span."""
    start_ms, length_ms = span[0], span[1] - span[0]
    return start_ms + number * length_ms // of, start_ms + (number + 1) * length_ms // of


def _within(windows: Windows, start_ms: int, end_ms: int) -> Windows:
    return [w for w in windows if start_ms <= (w.start_ms + w.end_ms) // 2 < end_ms]


def _quarter(windows: Windows, start_ms: int, end_ms: int) -> Quarter:
    inside = _within(windows, start_ms, end_ms)
    mean = mean_of(inside)
    unknown = _unknown(inside) if inside else 1.0
    return Quarter(
        start_ms=start_ms,
        end_ms=end_ms,
        label=None if mean is None else top(mean),
        mean=_named(mean),
        unknown=unknown,
    )


def _change(windows: Windows) -> Named | None:
    """Return the mean of the last fifth of the party's time less that of the first."""
    span = windows[0].start_ms, windows[-1].end_ms
    first = mean_of(_within(windows, *_slice(span, 0, ENDS)))
    last = mean_of(_within(windows, *_slice(span, ENDS - 1, ENDS)))
    if first is None or last is None:
        return None
    return _named(tuple(b - a for a, b in zip(first, last, strict=True)))


def _named(p: Distribution | None) -> Named | None:
    """Return a vector over the emotions by their names, with six decimals."""
    return None if p is None else {e: round(v, DECIMALS) for e, v in zip(EMOTIONS, p, strict=True)}


def _line(party: PartySummary) -> str:
    """Return "mostly neutral; by quarter neutral, angry, -, happy; angry +0.31; 2 turning points"."""
    if party.mean is None:
        return "nothing to read"
    parts = [
        f"mostly {' and '.join(party.dominant)}" if party.dominant else "no emotion for long",
        "by quarter " + ", ".join(quarter.label or "-" for quarter in party.quarters),
        *_changes(party.change or {}),
        *_counted(len(party.turning_points), "turning point"),
        *_counted(len(party.episodes), "contradiction"),
    ]
    return "; ".join(parts)


def _changes(change: Named) -> list[str]:
    large = [f"{name} {value:+.2f}" for name, value in change.items() if abs(value) >= CHANGED]
    return [", ".join(large) + " from start to end"] if large else []


def _counted(count: int, what: str) -> list[str]:
    return [f"{count} {what}{'s' if count > 1 else ''}"] if count else []
