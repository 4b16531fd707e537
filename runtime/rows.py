"""What the entries of finals in Redis hold, and what is done about an entry that cannot be read."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from pydantic import ValidationError

from affectstream.schemas.codec import decode
from affectstream.schemas.errors import Malformed, MessageError
from affectstream.schemas.messages import FusedEmotion
from affectstream.schemas.topics import FUSED

Row = TypeVar("Row", str, bytes)
Entry = TypeVar("Entry")

DETAIL = b"detail"
JSON_BEGINS = b"{"  # never the first byte of a map in MessagePack


def detail(fields: Sequence[bytes]) -> bytes:
    """Return the encoded message of an entry or a hash as a server replies: names and values in turns."""
    if len(fields) == 2 and fields[0] == DETAIL:  # a final
        return fields[1]
    return dict(zip(fields[::2], fields[1::2], strict=True)).get(DETAIL, b"")


def parsed(detail: bytes) -> FusedEmotion:
    """Return a message as it is on Kafka, or as canonical JSON (before version 2); raises Malformed."""
    try:
        if detail.startswith(JSON_BEGINS):
            return FusedEmotion.model_validate_json(detail)
        message = decode(detail, FUSED.max_bytes)
    except (ValidationError, MessageError):
        message = None
    if not isinstance(message, FusedEmotion):
        raise Malformed("an entry in Redis is not a fused window of this version")
    return message


def readable(parse: Callable[[Row], Entry], row: Row) -> Entry | None:
    """Return what ``parse`` makes of a row; None, loudly, where something else wrote it."""
    try:
        return parse(row)
    except Malformed as error:
        import structlog  # a reader that only lists starts without it

        structlog.get_logger(__name__).error("entry_in_redis_unreadable", why=str(error))
        return None
