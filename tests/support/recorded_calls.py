"""Recordings of short calls in a folder, as `affectstream record` writes them."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from affectstream.runtime.recording import Recording, open_recording
from affectstream.runtime.recording.writer import RecordingWriter
from affectstream.schemas.codec import encode
from affectstream.schemas.messages import AudioChunk, Party, Transcript
from affectstream.schemas.topics import CHUNKS, TRANSCRIPTS

CONTEXT_MS = 1000  # of a chunk, before the hop that it is about

Samples = npt.NDArray[np.int16]


def chunk(
    session: str, party: Party, seq: int, start_ms: int, hop: Samples, rate_hz: int = 8000
) -> AudioChunk:
    """A chunk about ``hop``, with noise of another time before it."""
    context = np.full(CONTEXT_MS * rate_hz // 1000, 9999, np.int16)
    end_ms = start_ms + len(hop) * 1000 // rate_hz
    return AudioChunk(
        session_id=session,
        party=party,
        seq=seq,
        start_ms=start_ms,
        end_ms=end_ms,
        watermark_ms=end_ms,
        expects=("audio",),
        pcm=np.concatenate([context, hop]).astype("<i2").tobytes(),
        rate_hz=rate_hz,
    )


def utterance(session: str, party: Party, start_ms: int, end_ms: int, text: str) -> Transcript:
    """What was said."""
    return Transcript(
        session_id=session,
        party=party,
        seq=0,
        start_ms=start_ms,
        end_ms=end_ms,
        watermark_ms=end_ms,
        expects=("audio", "text"),
        text=text,
    )


def recorded(
    folder: Path, session: str, messages: Iterable[AudioChunk | Transcript], run: str = ""
) -> Recording:
    """Write a recording of a session; returns it as it is read."""
    writer = RecordingWriter(folder, session, run)
    for offset, message in enumerate(messages):
        topic = CHUNKS if isinstance(message, AudioChunk) else TRANSCRIPTS
        writer.add(topic.name, message, encode(message), message.end_ms, offset)
    writer.finish()
    return open_recording(writer.path)
