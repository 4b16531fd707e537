"""Dead letters: what could not be processed, wrapped with reason and origin."""

import structlog

from affectstream.runtime import metrics
from affectstream.runtime.kafka import Record
from affectstream.schemas.messages import DeadLetter
from affectstream.schemas.topics import DEAD_LETTERS, KIB

log = structlog.get_logger(__name__)

OVERHEAD_BYTES = 4 * KIB  # names, reason, detail and origin, with room to spare
MAX_DETAIL_CHARS = 500


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
