"""Utterances for the tests of Kafka, and reading until something is so."""

import time
from collections.abc import Callable

from affectstream.runtime.kafka import Record, Subscriber
from affectstream.schemas.messages import Transcript
from affectstream.schemas.topics import TRANSCRIPTS

TEXTS = TRANSCRIPTS.name
GROUP = "affect-text"


def utterance(
    seq: int, session_id: str = "s1", at_ms: int = 1_700_000_000_000, text: str = "yes"
) -> Transcript:
    """One utterance of half a second, every second."""
    start = at_ms + seq * 1000
    return Transcript(
        session_id=session_id,
        party="customer",
        seq=seq,
        start_ms=start,
        end_ms=start + 500,
        watermark_ms=start + 500,
        expects=("text",),
        text=text,
    )


def spread(sessions: int, each: int) -> list[Transcript]:
    """Utterances of so many sessions that every partition has some."""
    return [utterance(seq, f"s{n}") for seq in range(each) for n in range(sessions)]


async def read(subscriber: Subscriber, count: int, timeout_s: float = 30) -> list[Record]:
    """Return the next ``count`` records, or what came before the deadline."""
    records: list[Record] = []
    deadline = time.monotonic() + timeout_s
    while len(records) < count and time.monotonic() < deadline:
        records += await subscriber.get(count - len(records), 200)
    return records


async def until(condition: Callable[[], bool], *members: Subscriber, timeout_s: float = 30) -> list[Record]:
    """Keep the members reading until ``condition`` holds."""
    records: list[Record] = []
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "the group did not come to rest"
        for member in members:
            records += await member.get(100, 50)
    return records
