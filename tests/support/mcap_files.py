"""Recordings made from messages, as the recorder makes them from the records of topics."""

from collections.abc import Iterable
from pathlib import Path

from support.joining import Driven, fusion
from support.observations import abstained, ended, envelope, observed

from affectstream.runtime.kafka.publisher import topic_of
from affectstream.runtime.recording.record import run_of
from affectstream.runtime.recording.writer import RecordingWriter
from affectstream.schemas.codec import encode
from affectstream.schemas.due import Timed
from affectstream.schemas.messages import (
    MODALITIES,
    AudioChunk,
    FusedEmotion,
    Observation,
    Observations,
    Transcript,
    VideoFrame,
)

START_MS, ARRIVED_MS = 1_700_000_000_000, 1_700_000_600_000


def record_into(writer: RecordingWriter, messages: Iterable[Timed], first_offset: int = 0) -> int:
    """Add messages under rising offsets of their topics; returns how many were new."""
    numbered = enumerate(messages, first_offset)
    return sum(writer.add(topic_of(m).name, m, encode(m), ARRIVED_MS + n, n) for n, m in numbered)


def recorded(
    folder: Path, messages: Iterable[Timed], session_id: str = "call", run: str | None = None
) -> Path:
    """Return the finished file of a session; its run is that of the first message."""
    every = list(messages)
    writer = RecordingWriter(folder, session_id, run_of(every[0]) if run is None else run)
    record_into(writer, every)
    writer.finish()
    return writer.path


def made_up_call(seconds: int = 6, session_id: str = "call") -> list[Timed]:
    """Return what the topics carry of a call that nobody made: media of nobody, and what came of them."""
    own = {"session_id": session_id, "run": "r1", "expects": MODALITIES}
    media: list[Timed] = []
    seen: list[Observation] = []
    for n in range(seconds):
        start, end = START_MS + 1000 * n, START_MS + 1000 * n + 1000
        hop = {"start_ms": start, "end_ms": end, "watermark_ms": end}
        media += [
            VideoFrame(**envelope("video", n, start + 400, **own), jpeg=b"\xff\xd8 no picture \xff\xd9"),
            AudioChunk(**envelope("audio", n, **own | hop), pcm=tone(n), rate_hz=8000),
            Transcript(**envelope("text", n, **own | hop), text="" if n % 2 else f"sentence {n}"),
        ]
        p = tuple(sorted((0.04 * (n % 6), 0.5 - 0.04 * (n % 6), 0.1, 0.1, 0.1, 0.1, 0.1)))
        seen += [
            observed("video", n, start + 400, p=p, quality=0.5, **own),
            abstained("audio", n, **hop, **own) if n == 2 else observed("audio", n, p=p[::-1], **hop, **own),
            observed("text", n, p=p[3:] + p[:3], **hop, **own),
        ]
    ends = [ended(modality, seconds, START_MS + 1000 * seconds, **own) for modality in MODALITIES]
    results: list[Timed] = [Observations(items=(item,)) for item in [*seen, *ends]]
    finals = joined([*seen, *ends])
    return [*media, *ends, *results, *finals]


def tone(n: int) -> bytes:
    """Return a second of sound at 8 kHz: a square wave, which no voice is."""
    return (bytes([0, n + 1]) * 10 + bytes(20)) * 400


def joined(items: Iterable[Observation]) -> list[FusedEmotion]:
    """Return the finals of observations, fused by entropy and trust."""
    driven = Driven(fusion())
    panes = [out for item in items for out in driven.push(item.model_copy(update={"run": ""}))]
    found = [
        each for each in panes + driven.finish() if isinstance(each, FusedEmotion) and each.pane == "final"
    ]
    return sorted(found, key=lambda final: final.end_ms)
