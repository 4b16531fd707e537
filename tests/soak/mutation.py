"""Hostile inputs out of sound ones: bytes flipped, cut and repeated, and parts of documents replaced."""

import json
import random
from collections.abc import Callable, Iterator, MutableSequence, Sequence
from typing import Any

import msgpack

LARGEST = 1 << 17
SEPARATOR = b"\x1e\x1e"  # between the messages of a conversation
NUMBERS = (
    -1,
    0,
    1,
    127,
    128,
    255,
    256,
    2**15,
    2**31,
    2**32 - 1,
    2**53,
    2**63 - 1,
    -(2**63),
    0.5,
    1e308,
    -1e-308,
)
TEXTS = (
    "",
    "\0",
    "é\u202e",
    "\ud800",
    "x" * 9_000,
    "1e400",
    "NaN",
    "PT99999999999999999S",
    "-1",
    "../../etc/passwd",
)
ODD: tuple[Any, ...] = (None, True, False, float("nan"), float("inf"), [], {}, *NUMBERS, *TEXTS)
WORDS = (
    b"\0" * 16,
    b"\xff" * 16,
    b"-->",
    b"\n\n",
    b"00:00:00.000",
    b"99:99:99.999",
    b"{",
    b"]",
    b'":',
    b"\xff\xd9",
)


def mutated(rng: random.Random, seeds: Sequence[bytes]) -> bytes:
    """Return one hostile input; the same for the same state of ``rng``."""
    data = bytearray(rng.choice(seeds))
    for _ in range(rng.choice((1, 1, 1, 2, 3, 6))):
        data = rng.choice(STEPS)(rng, data, seeds)
    return bytes(data[:LARGEST])


Step = Callable[[random.Random, bytearray, Sequence[bytes]], bytearray]


def _flip(rng: random.Random, data: bytearray, _: Sequence[bytes]) -> bytearray:
    for _ in range(rng.randint(1, 8)):
        if data:
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return data


def _number(rng: random.Random, data: bytearray, _: Sequence[bytes]) -> bytearray:
    """Overwrite two, four or eight bytes by the largest, the smallest or any number."""
    width = rng.choice((2, 4, 8))
    value = rng.choice((0, 1, 256**width - 1, 256**width >> 1, rng.randrange(256**width)))
    at = rng.randrange(len(data) + 1)
    data[at : at + width] = value.to_bytes(width, rng.choice(("big", "little")))
    return data


def _cut(rng: random.Random, data: bytearray, _: Sequence[bytes]) -> bytearray:
    return data[: rng.randrange(len(data) + 1)]


def _delete(rng: random.Random, data: bytearray, _: Sequence[bytes]) -> bytearray:
    at, count = _span(rng, data)
    del data[at : at + count]
    return data


def _repeat(rng: random.Random, data: bytearray, _: Sequence[bytes]) -> bytearray:
    at, count = _span(rng, data)
    data[at:at] = data[at : at + count] * rng.choice((1, 1, 3, 40))
    return data


def _insert(rng: random.Random, data: bytearray, _: Sequence[bytes]) -> bytearray:
    at = rng.randrange(len(data) + 1)
    data[at:at] = rng.choice((rng.choice(WORDS), rng.randbytes(rng.randint(1, 32))))
    return data


def _join(rng: random.Random, data: bytearray, seeds: Sequence[bytes]) -> bytearray:
    """Go on with the end of another seed."""
    other = rng.choice(seeds)
    return data[: rng.randrange(len(data) + 1)] + other[rng.randrange(len(other) + 1) :]


def _messages(rng: random.Random, data: bytearray, seeds: Sequence[bytes]) -> bytearray:
    """Leave out, repeat, swap or replace a part of one message of a conversation."""
    messages = bytes(data).split(SEPARATOR)
    at = rng.randrange(len(messages))
    match rng.randrange(4):
        case 0:
            del messages[at]
        case 1:
            messages[at:at] = [messages[at]] * rng.choice((1, 2, 20))
        case 2:
            rng.shuffle(messages)
        case _:
            messages[at] = bytes(_document(rng, bytearray(messages[at]), seeds))
    return bytearray(SEPARATOR.join(messages))


def _document(rng: random.Random, data: bytearray, seeds: Sequence[bytes]) -> bytearray:
    """Replace a part of a JSON or MessagePack document; what is neither has a byte flipped."""
    head, body = (data[:1], data[1:]) if data[:1] in (b"T", b"B") else (bytearray(), data)
    try:
        return head + _changed_json(rng, bytes(body))
    except (ValueError, RecursionError, TypeError):
        pass
    try:
        return head + _changed_packed(rng, bytes(body))
    except (ValueError, OverflowError, msgpack.UnpackException, RecursionError, TypeError):
        return _flip(rng, data, seeds)


def _changed_json(rng: random.Random, text: bytes) -> bytearray:
    return bytearray(json.dumps(_replaced(rng, json.loads(text))).encode("utf-8", "surrogatepass"))


def _changed_packed(rng: random.Random, packed: bytes) -> bytearray:
    document = _replaced(rng, msgpack.unpackb(packed, strict_map_key=False))
    return bytearray(msgpack.packb(document, unicode_errors="surrogatepass"))


def _replaced(rng: random.Random, document: Any) -> Any:
    """Return a document with one part taken out, repeated or put in another's place."""
    places = list(_places(document))
    if not places:
        return rng.choice(ODD)
    holder, key = rng.choice(places)
    match rng.randrange(4):
        case 0:
            del holder[key]
        case 1 if isinstance(holder, list):
            holder[key:key] = [holder[key]] * rng.choice((1, 3, 200))
        case 2:
            other, name = rng.choice(places)
            holder[key] = other[name] if other is not holder else _nested(rng)
        case _:
            holder[key] = rng.choice((rng.choice(ODD), _nested(rng)))
    return document


def _places(document: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every holder of a part, and the part's key in it."""
    keys: Any = ()
    if isinstance(document, dict):
        keys = list(document)
    elif isinstance(document, list):
        keys = range(len(document))
    for key in keys:
        yield document, key
        yield from _places(document[key])


def _nested(rng: random.Random) -> Any:
    part: Any = rng.choice(ODD)
    for _ in range(rng.choice((1, 3, 60, 400))):
        part = [part] if rng.random() < 0.5 else {"a": part}
    return part


def _span(rng: random.Random, data: MutableSequence[int]) -> tuple[int, int]:
    at = rng.randrange(len(data) + 1)
    return at, rng.choice((1, 4, 32, 512, max(1, len(data) - at)))


STEPS: tuple[Step, ...] = (
    *(_number, _cut, _delete, _repeat, _insert, _join),
    *2 * (_flip, _messages),
    *3 * (_document,),
)
