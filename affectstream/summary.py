"""What a session amounts to, per party: shares of time, turning points, gaps; imports schemas and rich."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from affectstream.live import profile
from schemas.labels import COLOURS, EMOTIONS
from schemas.messages import FusedEmotion, Party

DISAGREE = 0.3  # normalised Jensen-Shannon divergence from which modalities are said to contradict each other


@dataclass(frozen=True)
class PartySummary:
    """One party's session in numbers; shares are of all its windows."""

    party: Party
    seconds: float
    shares: dict[str, float]  # of the windows by label; the rest is unknown
    unknown: float
    mean: tuple[float, ...] | None  # probabilities over the windows that have any
    confidence: float
    disagreeing: float


def summarise(finals: Sequence[FusedEmotion]) -> list[PartySummary]:
    """Return a summary per party, in a fixed order."""
    order = {"customer": 0, "agent": 1, "other": 2}
    parties = sorted({f.party for f in finals}, key=order.__getitem__)
    return [_party(party, [f for f in finals if f.party == party]) for party in parties]


def _party(party: Party, finals: Sequence[FusedEmotion]) -> PartySummary:
    known = [f for f in finals if f.p is not None]
    labels = Counter(f.label for f in known)
    means = (
        tuple(sum(f.p[i] for f in known if f.p) / len(known) for i in range(len(EMOTIONS))) if known else None
    )
    return PartySummary(
        party=party,
        seconds=sum(f.end_ms - f.start_ms for f in finals) / 1000,
        shares={name: labels[name] / len(finals) for name in EMOTIONS if labels[name]},
        unknown=1 - len(known) / len(finals),
        mean=means,
        confidence=sum(f.confidence for f in known) / len(known) if known else 0.0,
        disagreeing=sum(f.disagreement >= DISAGREE for f in finals) / len(finals),
    )


def table(summaries: Sequence[PartySummary], title: str) -> Table:
    """Return the summaries as a table for the terminal."""
    out = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for name in ("party", "seconds", "share of time", "mean", "sure", "split", "unknown"):
        left = name in ("party", "share of time", "mean")
        out.add_column(name, justify="left" if left else "right", min_width=len(EMOTIONS) if left else None)
    for s in summaries:
        shares = Text(", ").join(
            Text(f"{name} {share:.0%}", style=COLOURS[name])
            for name, share in sorted(s.shares.items(), key=lambda pair: -pair[1])
        )
        out.add_row(
            s.party,
            f"{s.seconds:.0f}",
            shares,
            profile(s.mean),
            f"{s.confidence:.2f}",
            f"{s.disagreeing:.0%}",
            f"{s.unknown:.0%}",
        )
    return out
