"""Dead letters: what could not be processed, wrapped with reason and origin."""

from collections.abc import Iterable

import structlog

from affectstream.runtime import metrics
from affectstream.runtime.kafka import Record
from affectstream.schemas.errors import Malformed, TooLarge, WrongVersion
from affectstream.schemas.messages import DeadLetter
from affectstream.schemas.topics import DEAD_LETTERS, KIB

log = structlog.get_logger(__name__)

OVERHEAD_BYTES = 4 * KIB  # names, reason, detail and origin, with room to spare
MAX_DETAIL_CHARS = 500
UNREADABLE = tuple(error.reason for error in (Malformed, TooLarge, WrongVersion))


def dead_letter(record: Record, reason: str, detail: str) -> DeadLetter:
    """Return the letter for ``record``; a body that would not fit the topic is cut, its size says so."""
    body = record.value
    return DeadLetter(
        reason=reason,
        detail=detail[:MAX_DETAIL_CHARS],
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        timestamp_ms=record.timestamp_ms,
        body=body[: DEAD_LETTERS.max_bytes - OVERHEAD_BYTES],
        body_size=len(body),
    )


def begin(topics: Iterable[str], *reasons: str) -> None:
    """Begin the counters of these topics at zero: Prometheus sees the first letter as an increase then."""
    for topic in topics:
        for reason in (*UNREADABLE, *reasons):
            metrics.DEAD_LETTERS.labels(topic, reason)


def report(letter: DeadLetter) -> None:
    """Count and log a dead letter: where it came from and why, never its content."""
    metrics.DEAD_LETTERS.labels(letter.topic, letter.reason).inc()
    log.warning(
        "dead_letter",
        topic=letter.topic,
        partition=letter.partition,
        offset=letter.offset,
        reason=letter.reason,
        detail=letter.detail,
    )
