"""The sound of a recorded call as one WAV, of which any range of bytes is read without the rest.

A call's parties are mixed into one channel. Only the blocks of a range are in memory, ten seconds each.
"""

import struct
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from io import BytesIO
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from affectstream.analytics.turns import Words
from affectstream.runtime.recording import Recording, open_recording
from affectstream.runtime.recordings import session_of
from affectstream.schemas.errors import InputError
from affectstream.schemas.messages import AudioChunk, Transcript
from affectstream.schemas.topics import CHUNKS, TRANSCRIPTS

BLOCK_MS = 10_000
LONGEST_HOP_MS = 60_000  # a chunk is due at its end, so its sound may lie so far before
LATE_MS = 5_000  # that a party's sound may lag behind a recording that grows; what comes later is silence
LOOKED_AT = 64  # chunks, for the highest rate
HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")  # of a WAV file
SAMPLE = 2  # bytes

Samples = npt.NDArray[np.int16]


@dataclass(frozen=True, eq=False)
class Sound:
    """What is to be heard of a recording, from its first chunk to where it had come when it was opened."""

    recording: Recording
    start_ms: int
    end_ms: int
    rate_hz: int

    @property
    def grows(self) -> bool:
        """Whether more may come."""
        return not self.recording.whole

    def grown(self) -> "Sound":
        """Return it as far as it is written by now, in the same times and rate; raises InputError."""
        now = self.recording.grown()
        if now is self.recording:
            return self
        if now.run != self.recording.run:
            raise InputError(f"{now.path}: another recording has taken its place")
        return replace(self, recording=now, end_ms=max(self.end_ms, _reached_ms(now)))

    def until(self, end_ms: int) -> "Sound":
        """Return it without what is later."""
        return replace(self, end_ms=max(self.start_ms, min(self.end_ms, end_ms)))

    @property
    def samples(self) -> int:
        """How many there are."""
        return self._place(self.end_ms)

    @property
    def size(self) -> int:
        """The bytes of the file."""
        return HEADER.size + SAMPLE * self.samples

    def read(self, first: int, last: int) -> Iterator[bytes]:
        """Yield the bytes from ``first`` to ``last``, both of them; raises InputError for a broken file."""
        if first < HEADER.size:
            yield self.header()[first : last + 1]
        at_ms = self.start_ms + max(0, first - HEADER.size) // (SAMPLE * self._block) * BLOCK_MS
        while (begins := HEADER.size + SAMPLE * self._place(at_ms)) <= last:
            data = self.block(at_ms).astype("<i2").tobytes()
            yield data[max(0, first - begins) : last + 1 - begins]
            at_ms += BLOCK_MS

    def block(self, at_ms: int) -> Samples:
        """Return ten seconds of all parties, or less at the end; silence where nothing was recorded."""
        mixed = np.zeros(max(0, min(self._block, self.samples - self._place(at_ms))), np.int32)
        for chunk in self._chunks(at_ms, at_ms + BLOCK_MS):
            hop = _resampled(_hop(chunk), chunk.rate_hz, self.rate_hz)
            offset = (chunk.start_ms - at_ms) * self.rate_hz // 1000
            first, last = max(0, offset), min(len(mixed), offset + len(hop))
            if first < last:
                mixed[first:last] += hop[first - offset : last - offset]
        return np.clip(mixed, -32768, 32767).astype(np.int16)

    def header(self) -> bytes:
        """Return the head of the file."""
        data, rate = SAMPLE * self.samples, self.rate_hz
        form = (b"fmt ", 16, 1, 1, rate, SAMPLE * rate, SAMPLE, 8 * SAMPLE)
        return HEADER.pack(b"RIFF", HEADER.size - 8 + data, b"WAVE", *form, b"data", data)

    @property
    def _block(self) -> int:
        return BLOCK_MS * self.rate_hz // 1000

    def _place(self, at_ms: int) -> int:
        return (at_ms - self.start_ms) * self.rate_hz // 1000

    def _chunks(self, start_ms: int, end_ms: int) -> Iterator[AudioChunk]:
        for found in self.recording.messages([CHUNKS], start_ms, end_ms + LONGEST_HOP_MS):
            message = found.message
            if isinstance(message, AudioChunk) and message.pcm and message.start_ms < end_ms:
                yield message


def mp4(samples: Samples, rate_hz: int) -> bytes:
    """Return samples, to the bit, as fragments of an MP4 with FLAC, as Media Source Extensions take them."""
    import av  # of the extra `capture`, which nothing else of the API's process needs

    file = BytesIO()
    with av.open(file, "w", format="mp4", options={"movflags": "empty_moov+default_base_moof"}) as out:
        stream = out.add_stream("flac", rate=rate_hz, layout="mono", format="s16")
        frame = av.AudioFrame.from_ndarray(samples[np.newaxis], format="s16", layout="mono")
        frame.sample_rate, frame.pts = rate_hz, 0
        out.mux([*stream.encode(frame), *stream.encode(None)])
    return file.getvalue()


def sound(recording: Recording) -> Sound | None:
    """Return the sound of a recording; None where it holds none."""
    chunks = (found.message for found in recording.messages([CHUNKS]))
    some = [chunk for chunk in islice(chunks, LOOKED_AT) if isinstance(chunk, AudioChunk)]
    if not some:
        return None
    start_ms, rate_hz = min(chunk.start_ms for chunk in some), max(chunk.rate_hz for chunk in some)
    return Sound(recording, start_ms, max(start_ms, _reached_ms(recording)), rate_hz)


@dataclass(frozen=True, eq=False)
class Script:
    """What was said in a recorded call, as far as its recording had come."""

    recording: Recording
    words: Sequence[Words]  # by start


def script(recording: Recording, before: Script | None = None) -> Script:
    """Return what was said in a recorded call; of what was read ``before`` it reads only what is new."""
    if before is not None and recording is before.recording:
        return before
    new = recording.added(before.recording) if before is not None else None
    words = [] if before is None or new is None else [*before.words]
    for found in (new or recording).messages([TRANSCRIPTS]):
        said = found.message
        if isinstance(said, Transcript) and said.text:
            words.append(Words(said.party, said.start_ms, said.end_ms, said.text))
    return Script(recording, sorted(words, key=lambda said: said.start_ms))


def find(folder: Path, session_id: str, run: str, known: Recording | None = None) -> Recording | None:
    """Return the recording of a run of a session, whole or still written; None where there is none.

    One that is ``known`` is read on from where it was.
    """
    if known is not None and known.run == run:
        with suppress(InputError):  # it has another name since it is whole, or is deleted
            return known.grown()
    for path in sorted(folder.expanduser().glob(f"{session_id}*")):
        if session_of(path.name) != session_id:
            continue
        try:
            found = open_recording(path)
        except InputError:
            continue
        if (found.session_id, found.run) == (session_id, run):
            return found
    return None


def _reached_ms(recording: Recording) -> int:
    """Return the end of a recording; of one that is being written, of the last chunk that every party has."""
    if recording.whole:
        return recording.end_ms
    since_ms = recording.end_ms - LATE_MS
    ends = {stream.party: since_ms for stream in recording.streams if stream.topic == CHUNKS.name}
    for found in recording.messages([CHUNKS], since_ms):
        if isinstance(found.message, AudioChunk):
            ends[found.message.party] = found.message.end_ms
    return min(ends.values(), default=since_ms)


def _hop(chunk: AudioChunk) -> Samples:
    """Return the sound that a chunk is about, without the context before it."""
    count = (chunk.end_ms - chunk.start_ms) * chunk.rate_hz // 1000
    whole: Samples = np.frombuffer(chunk.pcm, "<i2", len(chunk.pcm) // SAMPLE).astype(np.int16)
    return whole[len(whole) - min(count, len(whole)) :]


def _resampled(hop: Samples, from_hz: int, to_hz: int) -> Samples:
    if from_hz == to_hz or not len(hop):
        return hop
    times = np.arange(len(hop) * to_hz // from_hz) * (from_hz / to_hz)
    found: Samples = np.interp(times, np.arange(len(hop)), hop).astype(np.int16)
    return found
