"""A party's summary in a line of plain words."""

from affectstream.analytics.records import Named, PartySummary

CHANGED = 0.1  # of a mean probability, from start to end; less is not worth a word


def in_a_line(party: PartySummary) -> str:
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
