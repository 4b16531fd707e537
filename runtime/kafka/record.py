"""A record as it came from a topic."""

from dataclasses import dataclass

from aiokafka import ConsumerRecord

from affectstream.runtime.kafka.publisher import RUN


@dataclass(frozen=True)
class Record:
    """One record as it came; ``timestamp_ms`` is the broker's where a topic keeps arrival times."""

    topic: str  # without the prefix
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes
    run: str = ""  # of the session, as the record's header names it


def received(topic: str, record: ConsumerRecord) -> Record:
    """Return what the client has received; ``topic`` is without the prefix."""
    run = dict(record.headers).get(RUN, b"").decode(errors="replace") if record.headers else ""
    value = record.value or b""
    return Record(topic, record.partition, record.offset, record.timestamp, record.key, value, run)
