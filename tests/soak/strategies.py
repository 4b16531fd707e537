"""Hypothesis's inputs: a sound document of the target with some of its fields replaced by anything."""

import json
from collections.abc import Sequence
from typing import Any

import msgpack
from hypothesis import strategies as st
from soak.mutation import SEPARATOR

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
)
ANYTHING = st.recursive(
    SCALARS,
    lambda part: st.lists(part, max_size=4) | st.dictionaries(st.text(max_size=5), part, max_size=4),
    max_leaves=12,
)


def inputs(seeds: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    """Return hostile inputs out of ``seeds``: messages, documents or conversations of these."""
    return st.sampled_from(list(seeds)).flatmap(_changed)


def _changed(seed: bytes) -> st.SearchStrategy[bytes]:
    if SEPARATOR in seed:
        messages = [_message(part) for part in seed.split(SEPARATOR)[:12]]
        return st.tuples(*messages).map(SEPARATOR.join)
    return _message(seed)


def _message(seed: bytes) -> st.SearchStrategy[bytes]:
    head = seed[:1] if seed[:1] in (b"T", b"B") else b""
    for read, write in ((json.loads, _json), (_unpacked, _packed)):
        try:
            document = read(seed[len(head) :])
        except (ValueError, msgpack.UnpackException):
            continue
        if isinstance(document, dict):
            return _fields(document).map(lambda changed, write=write: head + write(changed))
    return st.just(seed) | st.binary(max_size=200).map(lambda noise: head + noise)


def _fields(document: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Replace some fields, and some of the fields of those that are maps themselves."""
    names = sorted(document)
    inner = {
        name: _fields(part) | ANYTHING for name, part in document.items() if isinstance(part, dict) and part
    }
    replaced = st.dictionaries(st.sampled_from(names), ANYTHING, max_size=2)
    deeper = st.fixed_dictionaries(inner) if inner else st.just({})
    return st.tuples(deeper, replaced).map(lambda parts: document | parts[0] | parts[1])


def _json(document: Any) -> bytes:
    return json.dumps(document).encode()


def _packed(document: Any) -> bytes:
    packed: bytes = msgpack.packb(document, unicode_errors="surrogatepass")
    return packed


def _unpacked(data: bytes) -> Any:
    return msgpack.unpackb(data, strict_map_key=False)
