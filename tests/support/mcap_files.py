"""Recordings made from messages, as the recorder makes them from the records of topics."""

from collections.abc import Iterable
from pathlib import Path

from affectstream.runtime.kafka.publisher import topic_of
from affectstream.runtime.recording.record import run_of
from affectstream.runtime.recording.writer import RecordingWriter
from affectstream.schemas.codec import Message, encode

ARRIVED_MS = 1_700_000_600_000


def record_into(writer: RecordingWriter, messages: Iterable[Message], first_offset: int = 0) -> int:
    """Add messages under rising offsets of their topics; returns how many were new."""
    numbered = enumerate(messages, first_offset)
    return sum(writer.add(topic_of(m).name, m, encode(m), ARRIVED_MS + n, n) for n, m in numbered)


def recorded(
    folder: Path, messages: Iterable[Message], session_id: str = "call", run: str | None = None
) -> Path:
    """Return the finished file of a session; its run is that of the first message."""
    every = list(messages)
    writer = RecordingWriter(folder, session_id, run_of(every[0]) if run is None else run)
    record_into(writer, every)
    writer.finish()
    return writer.path
