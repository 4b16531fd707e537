"""One party's sound put in order by the stream's own clock, and cut into chunks as a recording is.

Frames that come out of order wait for those before them, for so long as the stream's clock has not gone on by
``REORDER_MS``; what is still missing then becomes silence. Frames whose time has passed are dropped::

    arrival   1 2 4 3 3 6 . . . . 5        . nothing of this party, REORDER_MS by the other one's frames
    read at   1 2 3 4 - - 6                silence in the place of 5, the second 3 and 5 are dropped

Nothing depends on when a frame arrived.
"""

import heapq
from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from affectstream.producers.chunks import JITTER_MS, Chunk, Chunker, Pcm, Timeline
from affectstream.producers.gateway.events import Audio
from affectstream.producers.gateway.sound import Decode, linear

REORDER_MS = 400
SKEW_MS = 60  # of the stamps of two frames that are numbered one after the other; less is jitter
LAG_MS = 2_000  # a party with nothing for this long, while another one goes on, is silent
MOST_WAITING = 1_000  # frames


class Lane:
    """The sound of one party from the zero of the stream on."""

    def __init__(self, rate_hz: int, chunk_ms: int, hop_ms: int, zero_ms: int, begin_ms: int = 0) -> None:
        """``begin_ms``: what is before is not this lane's."""
        self.rate_hz = rate_hz
        self.dropped = 0  # frames that came twice or too late
        self.filled_ms = 0.0  # of silence in the place of what is missing
        self._timeline = Timeline(rate_hz)
        self._chunker = Chunker(rate_hz, chunk_ms, hop_ms, zero_ms, begin_ms)
        self._timeline.position = self._chunker.end
        self._blocks: list[bytes] = []  # sound that is in its place, and not in the chunker yet
        self._decode: Decode = linear  # of the blocks
        self._stop = self._chunker.next_stop  # how many samples complete a hop
        self._skew, self._jitter = SKEW_MS * rate_hz, JITTER_MS * rate_hz  # in thousandths of a sample
        self._waiting: list[tuple[int, int, bytes, int | None]] = []  # heap: time, order, PCM, index
        self._order = 0
        self._head_ms = 0.0
        self._last: tuple[int, int | None] = (-1, None)  # time and index of the newest frame that was read
        self._next_ms, self._next_index = -1, -1  # of the frame that would be like the one before; -1: none
        self._size = self._samples = self._step_ms = 0  # of that frame

    @property
    def head_ms(self) -> float:
        """Return where the newest frame ends, read or waiting."""
        return max(self._head_ms, self._next_ms, self._position_ms)

    @property
    def end_ms(self) -> int:
        """Return where the signal ends so far."""
        return self._chunker.end_ms

    @property
    def _position_ms(self) -> float:
        return self._timeline.position * 1000 / self.rate_hz

    def extend(self, audio: Audio) -> bool:
        """Keep a frame that begins where the one before it ended and completes no hop.

        Nearly all frames are such. False for any other, which `add` takes.
        """
        if (
            audio.stream_ms != self._next_ms
            or audio.index != self._next_index
            or len(audio.data) != self._size
            or audio.decode is not self._decode
            or audio.rate_hz != self.rate_hz
        ):
            return self._extend(audio)
        end = self._timeline.position + self._samples
        if end >= self._stop:
            return False
        self._blocks.append(audio.data)
        self._timeline.position = end
        self._next_ms += self._step_ms
        self._next_index += 1
        return True

    def _extend(self, audio: Audio) -> bool:
        """Do the same for a frame that may differ from the one before in its length, and a little in time."""
        return self._timeline.position + _samples(audio) < self._stop and self._append(audio)

    def _append(self, audio: Audio) -> bool:
        """Keep a frame that begins where the one before it ended; False for any other."""
        self._settle()
        position, at_ms, index = self._timeline.position, audio.stream_ms, audio.index
        if at_ms is None or not position or self._waiting or audio.rate_hz != self.rate_hz:
            return False
        if self._blocks and audio.decode is not self._decode:
            return False
        if not self._is_next(at_ms, index, position):
            return False
        samples = _samples(audio)
        self._last = at_ms, index
        self._decode = audio.decode
        self._blocks.append(audio.data)
        self._timeline.position += samples
        self._head_ms = max(self._head_ms, at_ms + samples * 1000 / self.rate_hz)
        step_ms, rest = divmod(samples * 1000, self.rate_hz)
        if index is not None and samples and not rest:
            self._size, self._samples, self._step_ms = len(audio.data), samples, step_ms
            self._next_ms, self._next_index = at_ms + step_ms, index + 1
        return True

    def _is_next(self, at_ms: int, index: int | None, position: int) -> bool:
        """Say whether a frame begins at ``position``, by its number or else by its time."""
        last_ms, last_index = self._last
        off = at_ms * self.rate_hz - position * 1000
        if index is not None and index - 1 == last_index:
            return -self._skew <= off <= self._skew
        return at_ms > last_ms and -self._jitter < off < self._jitter

    def _settle(self) -> None:
        """Note the frames that were like the one before them."""
        if self._next_ms >= 0:
            self._last = self._next_ms - self._step_ms, self._next_index - 1
            self._head_ms = max(self._head_ms, self._next_ms)
            self._next_ms = self._next_index = -1

    def add(self, audio: Audio) -> None:
        """Take a frame."""
        if self._append(audio):
            return
        at_ms = round(self.head_ms) if audio.stream_ms is None else audio.stream_ms
        self._order += 1
        pcm = audio.pcm
        heapq.heappush(self._waiting, (at_ms, self._order, pcm, audio.index))
        self._head_ms = max(self._head_ms, at_ms + len(pcm) * 500 / self.rate_hz)

    def chunks(self, head_ms: float) -> Iterator[Chunk]:
        """Yield the chunks that are complete now that the stream's clock has reached ``head_ms``."""
        if self._timeline.position >= self._stop:
            yield from self._flush()
        while self._waiting and (self._next_is_due(head_ms) or len(self._waiting) > MOST_WAITING):
            yield from self._read(*heapq.heappop(self._waiting))
        behind_ms = head_ms - LAG_MS - self._position_ms
        if behind_ms > 0 and not self._waiting:
            yield from self._place(Fraction(int(head_ms - LAG_MS), 1000), np.zeros(0, np.int16))

    def finish(self) -> Iterator[Chunk]:
        """Yield what is left at the end of the stream."""
        yield from self._flush()
        while self._waiting:
            yield from self._read(*heapq.heappop(self._waiting))
        yield from self._chunker.finish()

    def _next_is_due(self, head_ms: float) -> bool:
        at_ms, _, _, index = self._waiting[0]
        follows = self._follows(index) or at_ms <= self._position_ms + JITTER_MS
        return follows or head_ms - at_ms >= REORDER_MS

    def _follows(self, index: int | None) -> bool:
        before = self._last[1]
        return index is not None and before is not None and index == before + 1

    def _read(self, at_ms: int, _: int, pcm: bytes, index: int | None) -> Iterator[Chunk]:
        self._settle()
        at = Fraction(at_ms, 1000)
        if self._follows(index) and abs(at_ms - self._position_ms) <= SKEW_MS:
            at = Fraction(self._timeline.position, self.rate_hz)
        elif at_ms <= self._last[0]:
            self.dropped += 1
            return
        self._last = (at_ms, index)
        yield from self._place(at, np.frombuffer(pcm, "<i2"))

    def _place(self, at: Fraction, samples: Pcm) -> Iterator[Chunk]:
        yield from self._flush()
        self.filled_ms += max(0.0, float(at) * 1000 - self._position_ms)
        for block in self._timeline.place(at, samples):
            yield from self._chunker.push(block)
        self._stop = self._chunker.next_stop

    def _flush(self) -> Iterator[Chunk]:
        """Hand on what was appended."""
        if self._blocks:
            pcm = self._decode(b"".join(self._blocks))
            self._blocks.clear()
            yield from self._chunker.push(np.frombuffer(pcm, "<i2"))
            self._stop = self._chunker.next_stop


def _samples(audio: Audio) -> int:
    return len(audio.data) // 2 if audio.decode is linear else len(audio.data)
