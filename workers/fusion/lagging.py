"""Whether a reader keeps up, from samples of where it stands and where the log ends.

A busy topic always has a few records under way, so a lag of zero is the wrong question. A reader keeps up
where it stands, by a sample a moment old, at least where the log ended a moment before that. The moment is
long enough for what it has dealt with to have arrived downstream.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Sample:
    """Per partition where the log ended and where the reader stood."""

    at_ms: int
    ends: Mapping[int, int]
    stands: Mapping[int, int]


class LagHistory:
    """The last samples of some readers."""

    def __init__(self, moment_ms: int) -> None:
        self._moment_ms = moment_ms
        self._samples: dict[str, deque[Sample]] = {}

    def add(self, reader: str, sample: Sample) -> None:
        """Take note of a sample, later than any before."""
        samples = self._samples.setdefault(reader, deque())
        samples.append(sample)
        while samples[0].at_ms < sample.at_ms - 4 * self._moment_ms:
            samples.popleft()

    def lags(self, reader: str, now_ms: int) -> bool:
        """Say whether ``reader`` is behind, or is not known to keep up."""
        recent = [s for s in self._samples.get(reader, ()) if s.at_ms >= now_ms - 4 * self._moment_ms]
        settled = [s for s in recent if s.at_ms <= now_ms - self._moment_ms]
        if not settled:
            return True
        last = settled[-1]
        first = next(s for s in settled if s.at_ms >= last.at_ms - self._moment_ms)
        return any(last.stands.get(partition, 0) < end for partition, end in first.ends.items())
