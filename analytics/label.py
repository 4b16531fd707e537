"""Which label to show: smoothed, or none where it is uncertain.

Probabilities and the label of a window are never changed by this.
"""

from dataclasses import dataclass

from affectstream.schemas.labels import INDEX
from affectstream.schemas.messages import FusedEmotion


@dataclass(frozen=True)
class Display:
    """When the shown label changes, and when there is none."""

    hysteresis: float = 0.0  # by how much another probability must lead
    dwell_ms: int = 0  # for how long a label stays at least
    sure: float = 0.0  # a largest probability below this shows no label


@dataclass(frozen=True)
class Shown:
    """The fields of a fused message that concern display."""

    shown: str | None = None
    steady: str | None = None
    since_ms: int | None = None


PLAIN = Display()
NOTHING = Shown()


def show(
    display: Display,
    p: tuple[float, ...] | None,
    label: str | None,
    start_ms: int,
    before: FusedEmotion | None,
) -> Shown:
    """Return what to show for the window from ``start_ms``; one without evidence forgets what was shown."""
    if p is None or label is None:
        return NOTHING
    steady, since_ms = label, start_ms
    if before is not None and before.steady is not None and before.shown_since_ms is not None:
        stays = label == before.steady
        leads = p[INDEX[label]] - p[INDEX[before.steady]] >= display.hysteresis
        if stays or not leads or start_ms - before.shown_since_ms < display.dwell_ms:
            steady, since_ms = before.steady, before.shown_since_ms
    return Shown(steady if max(p) >= display.sure else None, steady, since_ms)
