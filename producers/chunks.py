"""Overlapping analysis windows cut from a continuous mono signal.

Chunk k covers [k hop, k hop + length) in ms after the zero of the signal; the index of a sample is rounded
once from that. Every sample lies in at least one chunk. The last chunk is shorter where the signal ends
inside it and is left out where the one before it covers everything; a signal shorter than one chunk gives
one short chunk.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from affectstream.schemas.errors import InputError
from affectstream.schemas.topics import CHUNKS, KIB

Samples = NDArray[np.float32]  # (n,), full scale is 1
LARGEST = CHUNKS.max_bytes - 2 * KIB


@dataclass(frozen=True)
class Chunk:
    """One analysis window of 16-bit little-endian mono PCM."""

    start_ms: int
    end_ms: int
    settled_ms: int  # no later chunk starts before this
    pcm: bytes


class Chunker:
    """Collects samples and gives chunks as soon as they are complete."""

    def __init__(self, rate_hz: int, chunk_ms: int = 2000, hop_ms: int = 1000) -> None:
        if not 0 < hop_ms <= chunk_ms:
            raise InputError(f"a hop of {hop_ms} ms must be above 0 and at most the chunk of {chunk_ms} ms")
        if (longest := LARGEST * 500 // rate_hz) < chunk_ms:
            raise InputError(
                f"a chunk of {chunk_ms} ms is too long; at {rate_hz} Hz choose up to {longest} ms"
            )
        self.rate_hz, self.chunk_ms, self.hop_ms = rate_hz, chunk_ms, hop_ms
        self._held: Samples = np.zeros(0, np.float32)
        self._held_from = 0  # index of the first held sample
        self._next_ms = 0  # start of the next chunk

    def push(self, samples: Samples) -> Iterator[Chunk]:
        """Add samples; yield the chunks that they complete."""
        self._held = np.concatenate((self._held, samples))
        while self._index(self._next_ms + self.chunk_ms) <= self._end:
            start_ms, end_ms = self._next_ms, self._next_ms + self.chunk_ms
            self._next_ms += self.hop_ms
            window = self._held[
                self._index(start_ms) - self._held_from : self._index(end_ms) - self._held_from
            ]
            chunk = Chunk(start_ms, end_ms, self._next_ms, to_pcm(window))
            self._forget(self._index(self._next_ms))
            yield chunk

    def finish(self) -> Iterator[Chunk]:
        """Yield the last, shorter chunk where the complete ones do not cover everything."""
        covered_ms = self._next_ms - self.hop_ms + self.chunk_ms if self._next_ms else 0
        if self.end_ms > covered_ms:
            rest = self._held[self._index(self._next_ms) - self._held_from :]
            yield Chunk(self._next_ms, self.end_ms, self.end_ms, to_pcm(rest))

    @property
    def end_ms(self) -> int:
        """Where the signal ends so far."""
        return (2000 * self._end + self.rate_hz) // (2 * self.rate_hz)

    @property
    def _end(self) -> int:
        return self._held_from + len(self._held)

    def _index(self, ms: int) -> int:
        return (2 * ms * self.rate_hz + 1000) // 2000

    def _forget(self, index: int) -> None:
        drop = max(0, index - self._held_from)
        self._held, self._held_from = self._held[drop:], self._held_from + min(drop, len(self._held))


def to_pcm(samples: Samples) -> bytes:
    """Return 16-bit little-endian PCM, clipped at full scale."""
    pcm: bytes = np.clip(np.rint(samples * 32768.0), -32768, 32767).astype("<i2").tobytes()
    return pcm
