"""Redaction of transcripts on their way to the topic, counted by kind."""

from affectstream.runtime.metrics import REDACTED
from affectstream.schemas.redaction import Redacted, redact


def redacted(text: str) -> Redacted:
    """Redact ``text`` and count what was found, by kind and never by content."""
    found = redact(text)
    for kind, count in found.counts.items():
        REDACTED.labels(kind).inc(count)
    return found
