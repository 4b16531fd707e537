"""Tumbling windows aligned to the epoch: which ones an observation counts in."""

import math
from collections.abc import Iterator

from affectstream.schemas.messages import Abstention, EndOfStream, Probabilities

INSTANT_MS = 1  # what an instant weighs: observations of one modality are all instants or all intervals


def floor_ms(time_ms: int, window_ms: int) -> int:
    """Return the start of the window that holds ``time_ms``."""
    return time_ms - time_ms % window_ms


def ceil_ms(time_ms: int, window_ms: int) -> int:
    """Return the first window boundary at or after ``time_ms``."""
    return -(-time_ms // window_ms) * window_ms


def reach_ms(item: Probabilities | Abstention) -> int:
    """Return the end of what ``item`` covers; an instant covers its own millisecond."""
    return max(item.end_ms, item.start_ms + INSTANT_MS)


def overlaps(item: Probabilities | Abstention, window_ms: int) -> Iterator[tuple[int, int]]:
    """Yield the start of every window that ``item`` overlaps, and the overlap in milliseconds."""
    reach = reach_ms(item)
    for start in range(floor_ms(item.start_ms, window_ms), reach, window_ms):
        yield start, min(reach, start + window_ms) - max(item.start_ms, start)


def needed_until_ms(item: Probabilities | Abstention | EndOfStream, window_ms: int) -> float:
    """Return the end of the finals after which a restarted join can do without ``item``.

    An observation is needed for the windows that it overlaps, and for the watermark that it carried: below
    the window that its ``settled_ms`` lies in, forgetting it can make no final late or early. An end of
    stream is needed until its party is closed.
    """
    if isinstance(item, EndOfStream):
        return math.inf
    return max(ceil_ms(reach_ms(item), window_ms), floor_ms(item.settled_ms, window_ms))
