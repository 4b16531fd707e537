"""Observations as typed records, decoded in one pass.

What that pass refuses, unknown fields and other encodings of numbers among it, is judged by `schemas.codec`:
it alone decides what is malformed, and says why. Distributions stay as they came (``Raw``: a MessagePack
array of seven float64, checked) until many of them are read as one array.
"""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Annotated, Literal

import msgspec
import numpy as np
from msgspec import UNSET, Meta, Raw, Struct, UnsetType, field
from numpy.typing import NDArray

from affectstream.schemas.codec import decoder, encode
from affectstream.schemas.errors import MessageError
from affectstream.schemas.fields import RUN_ID, SESSION_ID
from affectstream.schemas.labels import N_EMOTIONS
from affectstream.schemas.messages import Modality, Party
from affectstream.schemas.messages import Observation as Message
from affectstream.schemas.messages import Observations as Messages
from affectstream.schemas.topics import PROBABILITIES

Ms = Annotated[int, Meta(ge=0, lt=1 << 53)]
Unit = Annotated[float, Meta(ge=0.0, le=1.0)]
Reason = Literal["no_face", "silence", "no_speech", "language", "shed", "failed", "not_permitted", "paused"]

SUM_TOLERANCE = 1e-3  # of a distribution
ARRAY_OF_7, FLOAT64 = 0x90 + N_EMOTIONS, 0xCB  # MessagePack's marks
WIRE = np.dtype([("array", "u1"), ("numbers", [("mark", "u1"), ("value", ">f8")], N_EMOTIONS)])


class Face(Struct, gc=False, kw_only=True, forbid_unknown_fields=True):
    """One face of a frame: its box as shares of the picture, and what the model found in it."""

    box: tuple[Unit, Unit, Unit, Unit]  # left, top, width, height
    score: Unit
    quality: Unit
    p: Raw
    embedding: bytes | UnsetType | None = UNSET  # little-endian float32


class Envelope(Struct, gc=False, kw_only=True, forbid_unknown_fields=True, tag_field="type"):
    """Whose input an observation is of, which one, and over what time."""

    session_id: str = field(name="sid")
    party: Party
    modality: Modality = field(name="mod")
    seq: Annotated[int, Meta(ge=0)]
    start_ms: Ms = field(name="start")
    end_ms: Ms = field(name="end")
    watermark_ms: Ms = field(name="settled")
    expects: tuple[Modality, ...]
    run: str = ""


class Probabilities(Envelope, tag="probabilities", gc=False, kw_only=True):
    """What a model finds in one input."""

    p: Raw
    quality: Unit
    model_id: str = field(name="model")
    faces: tuple[Face, ...] = ()
    embedding: bytes | None = None  # little-endian float32


class Abstention(Envelope, tag="abstention", gc=False, kw_only=True):
    """An input without a result."""

    reason: Reason


class EndOfStream(Envelope, tag="eos", gc=False, kw_only=True):
    """The last message of a modality."""


Observation = Probabilities | Abstention | EndOfStream


class Observations(Struct, gc=False, kw_only=True, forbid_unknown_fields=True):
    """The observations of one record, in the order of their inputs."""

    v: Literal[1]
    type: Literal["observations"]
    items: Annotated[tuple[Observation, ...], Meta(min_length=1)]


Judged = tuple[Observation, ...] | MessageError

_decode = msgspec.msgpack.Decoder(Observations).decode
_pack = msgspec.msgpack.Encoder().encode
_judge = decoder(PROBABILITIES.max_bytes, *PROBABILITIES.carries)
_SESSION_ID = re.compile(SESSION_ID)
_RUN = re.compile(RUN_ID)


def read(values: Sequence[bytes | None]) -> list[Judged]:
    """Return the observations of every record's value, or the error that it is refused with."""
    found = [_typed(value) for value in values]
    if not _all_distributions([items for items in found if items]):
        found = [items if items and _all_distributions([items]) else None for items in found]
    return [items or _judged(value or b"") for items, value in zip(found, values, strict=True)]


def record(message: Message) -> Observation:
    """Return a message as a typed record: what is read once it has gone through Kafka."""
    return _decode(encode(Messages(items=(message,)))).items[0]


def packed(item: Observation) -> bytes:
    """Return the MessagePack of a record's value that holds ``item`` alone."""
    return _pack(Observations(v=1, type="observations", items=(item,)))


def vectors(rows: Iterable[Raw]) -> NDArray[np.float64]:
    """Return distributions (rows, 7) as numbers, those of one emotion beside each other."""
    values: NDArray[np.float64] = _wire(rows)["numbers"]["value"].astype(np.float64, order="F")
    return values


def _wire(rows: Iterable[Raw]) -> NDArray[np.void]:
    return np.frombuffer(b"".join(rows), WIRE)


def _typed(value: bytes | None) -> tuple[Observation, ...] | None:
    """Return the observations of a well-formed value; None where the codec has to judge."""
    if not value or len(value) > PROBABILITIES.max_bytes:
        return None
    try:
        items = _decode(value).items
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    return items if _are_sound(items) else None


def _are_sound(items: Sequence[Observation]) -> bool:
    """Check what the types of the fields do not say: times, modalities, and names once they change."""
    session_id, run = None, ""  # of the observation before
    for item in items:
        if item.start_ms > item.end_ms or item.start_ms > item.watermark_ms:
            return False
        if item.modality not in item.expects:
            return False
        if item.session_id != session_id or item.run != run:
            session_id, run = item.session_id, item.run
            if not (_is_session_id(session_id) and _is_run(run)):
                return False
    return True


@lru_cache(1 << 16)
def _is_session_id(text: str) -> bool:
    return _SESSION_ID.fullmatch(text) is not None


@lru_cache(1 << 16)
def _is_run(text: str) -> bool:
    return _RUN.fullmatch(text) is not None


def _all_distributions(records: Sequence[Sequence[Observation]]) -> bool:
    """Say whether every distribution is seven float64, none negative, and sums to one."""
    found = [item for items in records for item in items if item.__class__ is Probabilities]
    rows = [item.p for item in found]
    rows += [face.p for item in found if item.faces for face in item.faces]
    if not rows:
        return True
    try:
        wire = _wire(rows)
    except ValueError:  # not a multiple of the size
        return False
    numbers = wire["numbers"]
    if len(wire) != len(rows) or (wire["array"] != ARRAY_OF_7).any() or (numbers["mark"] != FLOAT64).any():
        return False
    p = numbers["value"].T.astype(np.float64, order="C")  # (7, rows): sums run along rows at once
    return bool((p >= 0.0).all() and (np.abs(p.sum(axis=0) - 1.0) <= SUM_TOLERANCE).all())


def _judged(value: bytes) -> Judged:
    try:
        message = _judge(value)
    except MessageError as error:
        return error
    return _decode(encode(message)).items
