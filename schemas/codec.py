"""Messages to MessagePack and back, limits checked before decoding.

A message is a map with the short names of ``schemas.messages``, its ``type`` and the major version ``v``.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import msgpack
from pydantic import ValidationError

from affectstream.schemas.alert import Alert
from affectstream.schemas.errors import Malformed, TooLarge, WrongVersion
from affectstream.schemas.messages import (
    VERSION,
    AudioChunk,
    DeadLetter,
    EndOfStream,
    FusedEmotion,
    Observations,
    Pane,
    Party,
    Transcript,
    VideoFrame,
)

Message = (
    VideoFrame | AudioChunk | Transcript | EndOfStream | Observations | FusedEmotion | Alert | DeadLetter
)

TYPES: dict[str, type[Message]] = {
    cls.model_fields["type"].default: cls
    for cls in (
        VideoFrame,
        AudioChunk,
        Transcript,
        EndOfStream,
        Observations,
        FusedEmotion,
        Alert,
        DeadLetter,
    )
}

VERSIONS: dict[str, int] = dict.fromkeys(TYPES, VERSION) | {"fused": 2}
"""The major version that each type is written in; fused messages of version 1 are read too."""


class EncodedPane(NamedTuple):
    """A fused message in its bytes, the same on Kafka and in Redis, and what readers find it by."""

    session_id: str
    party: Party
    start_ms: int
    end_ms: int
    pane: Pane
    packed: bytes  # the MessagePack of its FusedEmotion
    run: str = ""  # no part of the message: the same call gives the same bytes in every run


def encode(message: Message) -> bytes:
    """Return the bytes of ``message``; equal messages give equal bytes."""
    fields: dict[str, Any] = message.model_dump(by_alias=True, exclude_defaults=False)
    packed: bytes = msgpack.packb({"v": VERSIONS[message.type], **fields}, use_bin_type=True)
    return packed


def decode(data: bytes, max_bytes: int) -> Message:
    """Return the message in ``data``; raises TooLarge, WrongVersion or Malformed, never with content."""
    if len(data) > max_bytes:
        raise TooLarge(f"{len(data)} bytes where at most {max_bytes} are allowed")
    fields = _unpack(data)
    version = fields.get("v")
    if type(version) is not int:
        raise Malformed("no version field 'v'")
    name = fields.get("type", "")
    newest = VERSIONS.get(name, VERSION)
    if not VERSION <= version <= newest:
        raise WrongVersion(f"major version {version}; this process speaks {newest}")
    cls = TYPES.get(name)
    if cls is None:
        raise Malformed("no known 'type'")
    try:
        return cls.model_validate(fields)
    except ValidationError as error:
        raise Malformed(_where(error)) from None


def decoder(max_bytes: int, *accepted: type[Message]) -> Callable[[bytes], Message]:
    """Return a ``decode`` for one topic: its size limit, and only the message types that it carries."""

    def decode_one(data: bytes) -> Message:
        message = decode(data, max_bytes)
        if not isinstance(message, accepted):
            raise Malformed(f"a message of type {message.type!r} does not belong here")
        return message

    return decode_one


def _unpack(data: bytes) -> dict[str, Any]:
    try:
        fields = msgpack.unpackb(data, raw=False, use_list=False)
    except (ValueError, msgpack.UnpackException, RecursionError):
        raise Malformed("not MessagePack") from None
    if not isinstance(fields, dict) or not isinstance(fields.get("type", ""), str):
        raise Malformed("not a map with a 'type'")
    return fields


def _where(error: ValidationError) -> str:
    """Name the first field at fault and the fault, never the value: it may be speech."""
    first = error.errors(include_input=False, include_context=False, include_url=False)[0]
    return f"{'.'.join(str(part) for part in first['loc']) or 'message'}: {first['msg']}"
