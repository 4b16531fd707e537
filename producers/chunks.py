"""Audio chunks: one continuous mono signal, cut into hops with the context before them.

A chunk states its last hop; its PCM is the whole analysis window that ends there. Hops end at multiples of
their length since the epoch, as windows do, so that a window waits for no sound after its end. The first hop
is what is left of one, and the first chunks, which have less before them, are shorter::

    epoch    0--------1--------2--------3--------4 s
    signal       |-----------------------------|
    chunk 0      |hhhh|                              h hop: what the chunk is about, its interval
    chunk 1      |cccc hhhhhhhhh|                    c context
    chunk 2           |ccccccccc hhhhhhhhh|
    chunk 3                 |ccccccccccccc hhhhh|    the tail, shorter than a hop, with its whole context

Every sample lies in the hop of exactly one chunk. The index of a sample is rounded once from its time. At the
end of the signal, less than half a millisecond after a hop makes no chunk of its own.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from affectstream.schemas.errors import InputError
from affectstream.schemas.topics import CHUNKS, KIB

Samples = NDArray[np.float32]  # (n,), full scale is 1
Pcm = NDArray[np.int16]  # (n,)
Signal = Samples | Pcm
Kind = TypeVar("Kind", Samples, Pcm)
LARGEST = CHUNKS.max_bytes - 2 * KIB
JITTER_MS = 10  # of timestamps; smaller steps are rounding in the container, not gaps
SILENCE_MS = 10_000  # gaps are filled in blocks of at most this length


class Timeline:
    """Places blocks of samples by their times, so that the index of a sample is its time.

    Gaps between the blocks become silence, overlaps are cut.
    """

    def __init__(self, rate_hz: int, jitter_ms: int = JITTER_MS) -> None:
        self.rate_hz = rate_hz
        self.position = 0  # samples given out
        self._jitter = jitter_ms * rate_hz // 1000

    def place(self, at: Fraction, samples: Kind) -> Iterator[Kind]:
        """Yield silence up to ``at`` seconds where there is a gap, then the samples that are new."""
        gap = round(at * self.rate_hz) - self.position
        if self.position and abs(gap) <= self._jitter:
            gap = 0
        while gap > 0:
            silence = np.zeros(min(gap, SILENCE_MS * self.rate_hz // 1000), samples.dtype)
            gap -= len(silence)
            self.position += len(silence)
            yield silence
        samples = samples[-gap:]
        self.position += len(samples)
        yield samples


@dataclass(frozen=True)
class Chunk:
    """One hop in ms after the zero of the signal, and the 16-bit little-endian mono PCM of its window."""

    start_ms: int
    end_ms: int  # of the hop and of the PCM; no later chunk starts before it
    pcm: bytes


class Chunker:
    """Collects samples and gives chunks as soon as their hop is complete.

    ``zero_ms`` is the epoch time of the zero of the signal, of which the chunks are those after ``begin_ms``.
    """

    def __init__(
        self, rate_hz: int, chunk_ms: int = 2000, hop_ms: int = 1000, zero_ms: int = 0, begin_ms: int = 0
    ) -> None:
        if not 0 < hop_ms <= chunk_ms:
            raise InputError(f"a hop of {hop_ms} ms must be above 0 and at most the chunk of {chunk_ms} ms")
        if (longest := LARGEST * 500 // rate_hz) < chunk_ms:
            raise InputError(
                f"a chunk of {chunk_ms} ms is too long; at {rate_hz} Hz choose up to {longest} ms"
            )
        self.rate_hz, self.chunk_ms, self.hop_ms, self.zero_ms = rate_hz, chunk_ms, hop_ms, zero_ms
        self._blocks: list[Signal] = []
        self._first = self._end = self._index(begin_ms)  # the blocks hold samples [first, end) of the signal
        self._done_ms = begin_ms  # end of the last chunk given out

    def push(self, samples: Signal) -> Iterator[Chunk]:
        """Add samples; yield the chunks whose hop they complete."""
        self._blocks.append(samples)
        self._end += len(samples)
        while (stop := self.next_stop) <= self._end:
            yield self._take(self._next_ms(), stop)

    def finish(self) -> Iterator[Chunk]:
        """Yield the chunk of the last hop where the signal ends inside it."""
        if self.end_ms > self._done_ms:
            yield self._take(self.end_ms, self._end)

    @property
    def end(self) -> int:
        """How many samples the signal has so far."""
        return self._end

    @property
    def end_ms(self) -> int:
        """Where the signal ends so far."""
        return (2000 * self._end + self.rate_hz) // (2 * self.rate_hz)

    @property
    def next_stop(self) -> int:
        """How many samples the signal has where the next hop is complete."""
        return self._index(self._next_ms())

    def _next_ms(self) -> int:
        """Return where the next hop ends."""
        return ((self.zero_ms + self._done_ms) // self.hop_ms + 1) * self.hop_ms - self.zero_ms

    def _take(self, end_ms: int, stop: int) -> Chunk:
        """Return the chunk of the samples before ``stop``, and forget those that no later one needs."""
        kept: NDArray[Any] = np.concatenate(self._blocks)
        begin = max(self._index(end_ms - self.chunk_ms), self._first)
        window = kept[begin - self._first : stop - self._first]
        start_ms, self._done_ms = self._done_ms, end_ms
        self._blocks, self._first = [kept[begin - self._first :]], begin
        return Chunk(start_ms, end_ms, to_pcm(window))

    def _index(self, ms: int) -> int:
        return (2 * ms * self.rate_hz + 1000) // 2000


def to_pcm(samples: NDArray[Any]) -> bytes:
    """Return 16-bit little-endian PCM, clipped at full scale; PCM as it is."""
    if samples.dtype == np.int16:
        return samples.tobytes()
    pcm: bytes = np.clip(np.rint(samples * 32768.0), -32768, 32767).astype("<i2").tobytes()
    return pcm
