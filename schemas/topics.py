"""The topics, as one table with reasons.

Media is keyed by session id and every topic has the same number of partitions, so that all of a session meets
under one partition number, in order. A worker writes its observations to the partition that it read from.
"""

from dataclasses import dataclass
from typing import Literal

from affectstream.schemas.alert import Alert
from affectstream.schemas.codec import Message
from affectstream.schemas.messages import (
    AudioChunk,
    DeadLetter,
    EndOfStream,
    FusedEmotion,
    Modality,
    Observations,
    Transcript,
    VideoFrame,
)

PARTITIONS = 4  # the default for every topic; `affectstream topics create --partitions` changes all at once

MINUTE_MS = 60_000
DAY_MS = 24 * 60 * MINUTE_MS
KIB = 1024


@dataclass(frozen=True)
class Topic:
    """One row of the table."""

    name: str
    carries: tuple[type[Message], ...]
    key: Literal["session", "partition of the input", "none"]
    retention_ms: int
    max_bytes: int  # of one record's value
    drop: Literal["live sheds the oldest", "never"]
    writer: str
    readers: tuple[str, ...]
    group: str = ""  # the consumer group of the process here that reads it


FRAMES = Topic(
    "affect.video.frames",
    (VideoFrame, EndOfStream),
    "session",
    30 * MINUTE_MS,
    900 * KIB,
    "live sheds the oldest",
    "producers",
    ("worker video",),
    "affect-video",
)  # a JPEG of 640 px is 10-80 KiB; larger pictures carry no more of a face
CHUNKS = Topic(
    "affect.audio.chunks",
    (AudioChunk, EndOfStream),
    "session",
    30 * MINUTE_MS,
    900 * KIB,
    "live sheds the oldest",
    "producers",
    ("worker audio", "worker asr"),
    "affect-audio",
)  # 2 s of 16-bit mono is 64 KiB at 16 kHz, 192 KiB at 48 kHz
TRANSCRIPTS = Topic(
    "affect.text.transcripts",
    (Transcript, EndOfStream),
    "session",
    30 * MINUTE_MS,
    64 * KIB,
    "live sheds the oldest",
    "producers and worker asr",
    ("worker text",),
    "affect-text",
)
PROBABILITIES = Topic(
    "affect.probabilities",
    (Observations,),
    "partition of the input",
    7 * DAY_MS,
    900 * KIB,
    "never",
    "workers video, audio and text",
    ("fusion",),
    "affect-fusion",
)
SHADOW = Topic(
    "affect.shadow",
    (Observations,),
    "partition of the input",
    7 * DAY_MS,
    900 * KIB,
    "never",
    "workers in shadow",
    ("operators",),
)  # what a new model answers beside the one in use; no fusion reads it
FUSED = Topic(
    "affect.fused",
    (FusedEmotion,),
    "session",
    7 * DAY_MS,
    64 * KIB,
    "never",
    "fusion",
    ("alerts", "users' own consumers"),
    "affect-alerts",
)
ALERTS = Topic(
    "affect.alerts",
    (Alert,),
    "session",
    7 * DAY_MS,
    8 * KIB,
    "never",
    "alerts",
    ("users' own consumers",),
)
DEAD_LETTERS = Topic(
    "affect.dead-letters",
    (DeadLetter,),
    "none",
    7 * DAY_MS,
    1000 * KIB,
    "never",
    "workers, fusion and alerts",
    ("operators",),
)  # larger than any other: it wraps their records; a longer body is cut

ASR_GROUP = "affect-asr"  # the recogniser, the second reader of the chunks
IN_SHADOW = "-shadow"  # after the name and the group of a worker in shadow
RECORD_GROUP = "affect-record"  # the recorder, which reads them all but the dead letters

ALL = (FRAMES, CHUNKS, TRANSCRIPTS, PROBABILITIES, SHADOW, FUSED, ALERTS, DEAD_LETTERS)
MEDIA: dict[Modality, Topic] = {"video": FRAMES, "audio": CHUNKS, "text": TRANSCRIPTS}
