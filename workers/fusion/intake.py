"""A record of the topic as observations, or as a dead letter."""

from dataclasses import dataclass
from typing import Any

from affectstream.runtime.kafka import Record
from affectstream.schemas.codec import decoder
from affectstream.schemas.errors import MessageError
from affectstream.schemas.messages import DeadLetter, Observation, Observations
from affectstream.schemas.topics import PROBABILITIES
from affectstream.workers.deadletter import dead_letter
from affectstream.workers.fusion.engine import Key

decode = decoder(PROBABILITIES.max_bytes, *PROBABILITIES.carries)


@dataclass(frozen=True)
class Taken:
    """One record: what it holds, or why that cannot be read, and faust's message to acknowledge it by."""

    partition: int
    offset: int
    message: Any
    items: tuple[Observation, ...] = ()
    letter: DeadLetter | None = None

    def keys(self) -> list[Key]:
        """Return the parties that the record is about."""
        return list(dict.fromkeys((item.session_id, item.party) for item in self.items))


def read(message: Any) -> Taken:
    """Decode faust's ``message`` and let go of its bytes: it may wait long for its acknowledgement."""
    value, message.value = message.value or b"", None
    try:
        observations = decode(value)
    except MessageError as error:
        timestamp_ms = -1 if message.timestamp is None else int(message.timestamp * 1000)
        record = Record(
            PROBABILITIES.name, message.partition, message.offset, timestamp_ms, message.key, value
        )
        letter = dead_letter(record, error.reason, str(error))
        return Taken(message.partition, message.offset, message, letter=letter)
    assert isinstance(observations, Observations)
    return Taken(message.partition, message.offset, message, observations.items)
