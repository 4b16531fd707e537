"""The file of an exported network, read without its library.

The format is safetensors: eight bytes, the little-endian length of a JSON header; the header; the numbers.
"""

import hashlib
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from affectstream.models.fusion.evidence import Array
from affectstream.schemas.errors import ModelError

DTYPES = {"F16": "<f2", "F32": "<f4"}
MOST_BYTES = 16 << 20  # a network larger than this is none of ours


@dataclass(frozen=True)
class Stored:
    """What the file holds."""

    tensors: dict[str, Array]
    metadata: dict[str, str]
    digest: str  # SHA-256 of the file, in hexadecimal


def read(path: Path) -> Stored:
    """Return the tensors, as float64, and the metadata; raises ModelError, saying what is wrong."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ModelError(f"{path} is larger than a fusion network may be ({MOST_BYTES} bytes)")
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path} cannot be read ({error.strerror})") from error
    try:
        end = 8 + int.from_bytes(data[:8], "little")
        header: dict[str, Any] = json.loads(data[8:end])
        metadata = {str(k): str(v) for k, v in header.pop("__metadata__", {}).items()}
        tensors = {name: _tensor(data[end:], entry) for name, entry in header.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{path} is no safetensors file of a fusion network: fetch it again") from error
    return Stored(tensors, metadata, hashlib.sha256(data).hexdigest())


def _tensor(data: bytes, entry: dict[str, Any]) -> Array:
    first, last = entry["data_offsets"]
    shape = tuple(int(n) for n in entry["shape"])
    values = np.frombuffer(data[first:last], DTYPES[entry["dtype"]])
    if len(values) != math.prod(shape):
        raise ValueError("a tensor is cut short")
    if not np.isfinite(values).all():
        raise ValueError("a tensor holds what is no number")
    return values.astype(np.float64).reshape(shape)
