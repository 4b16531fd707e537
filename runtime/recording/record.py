"""One message in a recording: its channel, its schema, and its bytes, which lead back to those of Kafka.

A message is JSON with the names that it has on the wire (``schemas.messages``); bytes are base64, as its JSON
Schema says. From it the MessagePack of the record is made again, to the last byte.
"""

import json
from base64 import b64decode
from dataclasses import dataclass
from functools import cache
from typing import Any

import msgspec

from affectstream.schemas import topics
from affectstream.schemas.codec import TYPES, VERSIONS, decode
from affectstream.schemas.due import Timed
from affectstream.schemas.errors import Malformed
from affectstream.schemas.messages import DeadLetter, EndOfStream, Observations, Party

ENCODING, SCHEMA_ENCODING = "json", "jsonschema"
BINARY = frozenset({"jpeg", "pcm", "embedding", "body"})  # fields that are bytes on the wire
# dead letters belong to no session, and may hold what was withheld
RECORDED = tuple(topic for topic in topics.ALL if topic is not topics.DEAD_LETTERS)
MEDIA = frozenset(topic.name for topic in topics.MEDIA.values())
NS_PER_MS = 1_000_000
SEQUENCES = 1 << 32  # MCAP's number of a message has 32 bits

_TOPICS = {topic.name: topic for topic in topics.ALL}


@dataclass(frozen=True)
class Recorded:
    """A message as it was on its topic."""

    topic: str  # as in `schemas.topics`
    message: Timed
    at_ms: int  # event time at which it was due: frame and chunk at their end, a window at its end
    arrived_ms: int  # of the record on the broker
    offset: int  # of the record in its partition, modulo 2**32


def channel_name(topic: str, message: Timed) -> str:
    """Return the MCAP topic of a message: the Kafka topic, the party, and ``end`` for an end of stream."""
    return f"{topic}/{party_of(message)}" + ("/end" if isinstance(message, EndOfStream) else "")


def party_of(message: Timed) -> Party:
    """Return whose message it is; observations are of one party each in a recording."""
    return message.items[0].party if isinstance(message, Observations) else message.party


def run_of(message: Timed) -> str:
    """Return the run that a message names; empty where it names none."""
    return message.items[0].run if isinstance(message, Observations) else getattr(message, "run", "")


def to_json(value: bytes) -> bytes:
    """Return the JSON of a record's value, which the codec has accepted."""
    return msgspec.json.encode(msgspec.msgpack.decode(value))


def value_of(data: bytes) -> bytes:
    """Return the record's value from its JSON; raises Malformed."""
    try:
        return msgspec.msgpack.encode(_with_bytes(msgspec.json.decode(data)))
    except (msgspec.MsgspecError, ValueError, TypeError, RecursionError):
        raise Malformed("not the JSON of a message") from None


def message_of(topic: str, data: bytes) -> Timed:
    """Return the message of a topic from its JSON; raises MessageError, never with content."""
    row = _TOPICS.get(topic)
    if row is None:
        raise Malformed("of no topic that this version knows")
    message = decode(value_of(data), row.max_bytes)
    if isinstance(message, DeadLetter) or not isinstance(message, row.carries):
        raise Malformed(f"a message of type {message.type!r} does not belong to {topic}")
    return message


@cache
def json_schema(kind: str) -> bytes:
    """Return the JSON Schema of a type of message, as its JSON lies in the file."""
    schema: Any = _with_base64(TYPES[kind].model_json_schema(by_alias=True))
    schema["properties"]["v"] = {"type": "integer", "minimum": 1, "maximum": VERSIONS[kind]}
    return json.dumps(schema, sort_keys=True).encode()


def _with_bytes(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: b64decode(part, validate=True)
            if name in BINARY and isinstance(part, str)
            else _with_bytes(part)
            for name, part in value.items()
        }
    return [_with_bytes(part) for part in value] if isinstance(value, list) else value


def _with_base64(schema: Any) -> Any:
    """Return a schema in which bytes are base64, as JSON Schema writes that."""
    if isinstance(schema, dict):
        if schema.get("format") == "binary":
            return {name: part for name, part in schema.items() if name != "format"} | {
                "contentEncoding": "base64"
            }
        return {name: _with_base64(part) for name, part in schema.items()}
    return [_with_base64(part) for part in schema] if isinstance(schema, list) else schema
