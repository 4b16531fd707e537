"""The grid of a chosen frame rate and which frame is shown at each of its ticks.

Times are whole milliseconds after the zero of the file, each rounded once from an exact fraction, so that no
error adds up: tick k lies at round(1000 k / fps). The frame shown at a tick is the last one whose own rounded
time is not after it, which also holds for sources of a variable rate and for containers that keep whole ms.
"""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import TypeVar

from affectstream.schemas.errors import InputError

Picture = TypeVar("Picture")

LONGEST_GAP_MS = 3_600_000


def milliseconds(seconds: Fraction) -> int:
    """Return the nearest whole millisecond; halves go up."""
    return (2000 * seconds.numerator + seconds.denominator) // (2 * seconds.denominator)


def tick_ms(k: int, fps: Fraction) -> int:
    """Return the time of tick ``k``."""
    return milliseconds(k / fps)


def rate(fps: float) -> Fraction:
    """Return the exact rate that is meant by ``fps``: 29.97 is 30000/1001."""
    if not 0.01 <= fps <= 240:
        raise InputError(f"a rate of {fps:g} frames per second is not possible; choose 0.01 to 240")
    return Fraction(fps).limit_denominator(1001)


def check_gap(from_ms: int, to_ms: int) -> None:
    """Raise InputError where the timestamps leap: a broken file would give hours of nothing."""
    if to_ms - from_ms > LONGEST_GAP_MS:
        raise InputError(
            f"the timestamps leap by {(to_ms - from_ms) // 1000} s at {from_ms // 1000} s; "
            "write the file anew, for instance with `ffmpeg -fflags +genpts -i IN -c copy OUT`"
        )


def shown(frames: Iterable[tuple[int, int, Picture]], fps: Fraction) -> Iterator[tuple[int, Picture]]:
    """Yield (tick in ms, the picture shown then) for frames of (start ms, end ms, picture).

    A frame is shown until the next one, the last one until its own end. A frame that comes with a time before
    the one already shown is left out.
    """
    k, last = 0, None
    for start_ms, end_ms, picture in frames:
        if last is not None and start_ms < last[0]:
            continue
        check_gap(last[0] if last else 0, start_ms)
        while (tick := tick_ms(k, fps)) < start_ms:
            if last is not None:
                yield tick, last[2]
            k += 1
        last = (start_ms, max(end_ms, start_ms + 1), picture)
    while last is not None and (tick := tick_ms(k, fps)) < last[1]:
        yield tick, last[2]
        k += 1
