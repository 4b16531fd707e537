"""Blocks of samples placed by their times on one continuous signal."""

from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from affectstream.producers.chunks import Samples

JITTER_MS = 10  # of timestamps; smaller steps are rounding in the container, not gaps
SILENCE_MS = 10_000  # gaps are filled in blocks of at most this length


class Timeline:
    """Places blocks of samples by their times on one continuous signal that begins at zero."""

    def __init__(self, rate_hz: int, jitter_ms: int = JITTER_MS) -> None:
        self.rate_hz = rate_hz
        self.position = 0  # samples given out
        self._jitter = jitter_ms * rate_hz // 1000

    def place(self, at: Fraction, samples: Samples) -> Iterator[Samples]:
        """Yield silence up to ``at`` seconds where there is a gap, then the samples that are new."""
        gap = round(at * self.rate_hz) - self.position
        if self.position and abs(gap) <= self._jitter:
            gap = 0
        while gap > 0:
            silence = np.zeros(min(gap, SILENCE_MS * self.rate_hz // 1000), np.float32)
            gap -= len(silence)
            self.position += len(silence)
            yield silence
        samples = samples[-gap:]
        self.position += len(samples)
        yield samples
