"""Mean distributions over windows."""

from collections.abc import Sequence

from affectstream.analytics.records import DECIMALS, Named
from affectstream.analytics.words import top
from affectstream.schemas.labels import EMOTIONS
from affectstream.schemas.messages import FusedEmotion

Distribution = tuple[float, ...]


def mean(distributions: Sequence[Distribution]) -> Distribution | None:
    """Return the plain mean of distributions over the emotions, None of none."""
    if not distributions:
        return None
    return tuple(sum(values) / len(distributions) for values in zip(*distributions, strict=True))


def mean_of(windows: Sequence[FusedEmotion]) -> Distribution | None:
    """Return the mean over the windows with evidence, None without any."""
    return mean([window.p for window in windows if window.p is not None])


def named(p: Distribution | None) -> Named | None:
    """Return a vector over the emotions by their names, with six decimals."""
    return None if p is None else {e: round(v, DECIMALS) for e, v in zip(EMOTIONS, p, strict=True)}


def label(p: Distribution | None) -> str | None:
    """Return the most probable emotion, None without a distribution."""
    return None if p is None else top(p)
