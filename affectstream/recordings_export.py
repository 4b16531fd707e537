"""A recording as plain files: sound, pictures, words, finals."""

import json
import wave
from collections.abc import Iterator
from pathlib import Path

from affectstream import export
from affectstream.runtime.recording import Recording
from affectstream.runtime.settings import Settings
from affectstream.schemas.errors import InputError
from affectstream.schemas.messages import AudioChunk, Party, Transcript, VideoFrame
from affectstream.schemas.topics import CHUNKS, FRAMES, TRANSCRIPTS

BYTES_PER_SAMPLE = 2
LONGEST_GAP_MS = 6 * 3_600_000  # of silence between two chunks; a longer one is an error in their times

Written = tuple[str, int]  # what was written, and how many files or lines


def export_media(found: Recording, folder: Path) -> Iterator[Written]:
    """Write pictures, sound and words into a folder; yields what was written."""
    frames = 0
    for each in found.messages([FRAMES]):
        message = each.message
        if isinstance(message, VideoFrame) and message.jpeg:
            target = folder / message.party / "frames"
            target.mkdir(parents=True, exist_ok=True)
            (target / f"{message.start_ms - found.start_ms:09d}.jpg").write_bytes(message.jpeg)
            frames += 1
    if frames:
        yield f"{folder}/PARTY/frames/MILLISECONDS.jpg", frames
    yield from _sound(found, folder)
    yield from _words(found, folder)


def export_results(found: Recording, folder: Path, settings: Settings) -> Iterator[Written]:
    """Write the finals as `analyze -o` does; yields what was written."""
    if finals := found.finals():
        target = folder / "finals.jsonl"
        export.write(export.in_order(finals), target, export.display_of(settings))
        yield str(target), len(finals)


def _sound(found: Recording, folder: Path) -> Iterator[Written]:
    """Write each party's hops one behind another, silence where there is none, from the session's start."""
    files: dict[Party, _Track] = {}
    try:
        for each in found.messages([CHUNKS]):
            chunk = each.message
            if isinstance(chunk, AudioChunk) and chunk.pcm:
                if chunk.party not in files:
                    files[chunk.party] = _Track(folder / f"{chunk.party}.wav", chunk.rate_hz, found.start_ms)
                files[chunk.party].add(chunk)
    finally:
        for track in files.values():
            track.close()
    yield from ((str(track.path), track.chunks) for track in files.values())


def hop_of(chunk: AudioChunk) -> bytes:
    """Return the sound of a chunk's own time, without what it repeats of the one before."""
    length = (chunk.end_ms - chunk.start_ms) * chunk.rate_hz // 1000
    return chunk.pcm[-BYTES_PER_SAMPLE * length :] if length else b""


class _Track:
    """A WAV file of one party."""

    def __init__(self, path: Path, rate_hz: int, zero_ms: int) -> None:
        self.path, self.chunks = path, 0
        self._rate_hz, self._zero_ms, self._samples = rate_hz, zero_ms, 0
        self._file = wave.open(str(path), "wb")  # noqa: SIM115  # closed by its owner
        self._file.setnchannels(1)
        self._file.setsampwidth(BYTES_PER_SAMPLE)
        self._file.setframerate(rate_hz)

    def add(self, chunk: AudioChunk) -> None:
        """Append the hop of a chunk at its time; raises InputError where its rate or time cannot be."""
        if chunk.rate_hz != self._rate_hz:
            raise InputError(f"{self.path}: the rate changes from {self._rate_hz} to {chunk.rate_hz} Hz")
        start = (chunk.start_ms - self._zero_ms) * self._rate_hz // 1000
        missing = start - self._samples
        if missing > LONGEST_GAP_MS * self._rate_hz // 1000:
            raise InputError(f"{self.path}: a gap of more than six hours")
        hop = hop_of(chunk)
        if missing > 0:
            self._file.writeframes(bytes(BYTES_PER_SAMPLE * missing))
        elif missing < 0:  # rounding of milliseconds, or an overlap
            hop = hop[-BYTES_PER_SAMPLE * missing :]
        self._file.writeframes(hop)
        self._samples += max(0, missing) + len(hop) // BYTES_PER_SAMPLE
        self.chunks += 1

    def close(self) -> None:
        """Write the file's header."""
        self._file.close()


def _words(found: Recording, folder: Path) -> Iterator[Written]:
    """Write the utterances as segments that `analyze` and `replay` read, times in seconds."""
    segments = []
    for each in found.messages([TRANSCRIPTS]):
        said = each.message
        if isinstance(said, Transcript) and said.text:
            times = {
                "start": (said.start_ms - found.start_ms) / 1000,
                "end": (said.end_ms - found.start_ms) / 1000,
            }
            segments.append(times | {"speaker": said.party.upper(), "text": said.text})
    if segments:
        target = folder / "transcript.json"
        target.write_text(json.dumps({"segments": segments}, indent=1, ensure_ascii=False), encoding="utf-8")
        yield str(target), len(segments)
