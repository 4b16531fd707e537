"""The chain of an audit log: who did what to which session when, each entry bound to the one before.

One entry is one line of canonical JSON, which ends in the hash of itself and so of all before it. The head,
kept beside the log, states how many entries there are, so that a log that was cut off is found too. With a
key the hashes are HMACs, which nobody without the key can make.
"""

import hashlib
import hmac
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Did = Literal[
    "consent",
    "pause",
    "resume",
    "purge",
    "trust",
    "recording begun",
    "recording read",
    "recording removed",
    "feedback",
    "export",
    "recovered",
]

Detail = Mapping[str, str | int | float | None]

GENESIS = "0" * 64


@dataclass(frozen=True)
class AuditEntry:
    """One line: what was done, by whom, to which session."""

    seq: int  # from 0
    at_ms: int
    by: str
    did: Did
    session: str  # empty where it concerns all
    detail: Detail = field(default_factory=dict)
    prev: str = GENESIS  # the hash of the entry before
    hash: str = ""


@dataclass(frozen=True)
class Head:
    """How far the log goes: entries, bytes, and the hash of the last entry."""

    entries: int = 0
    size: int = 0  # in bytes
    hash: str = GENESIS

    def text(self, key: bytes) -> str:
        """Return the head as it is kept, with a hash of its own."""
        return json.dumps({**asdict(self), "mac": _digest(key, self._signed())}) + "\n"

    @classmethod
    def read(cls, text: str, key: bytes) -> "Head | None":
        """Return the head of a text; None where it is none, or was made without the key."""
        try:
            found = json.loads(text)
            head = cls(int(found["entries"]), int(found["size"]), str(found["hash"]))
            genuine = hmac.compare_digest(_digest(key, head._signed()), str(found["mac"]))
        except (ValueError, KeyError, TypeError):
            return None
        return head if genuine else None

    def _signed(self) -> bytes:
        return f"{self.entries}.{self.size}.{self.hash}".encode()


def line(entry: AuditEntry, key: bytes) -> bytes:
    """Return the line of an entry, its hash made."""
    fields = {name: value for name, value in asdict(entry).items() if name != "hash"}
    return _canonical({**fields, "hash": _digest(key, _canonical(fields))}) + b"\n"


def entry(text: bytes) -> AuditEntry | None:
    """Return the entry of a line, whatever its hash; None where it is none."""
    try:
        fields = json.loads(text)
        return AuditEntry(**fields) if _canonical(fields) == text else None
    except (ValueError, TypeError):
        return None


def following(head: Head, lines: Iterable[bytes], key: bytes) -> Iterator[AuditEntry | str]:
    """Yield the entries that continue ``head``; in the place of one that does not, what is wrong."""
    expected, prev = head.entries, head.hash
    for text in lines:
        found = entry(text)
        where = f"line {expected + 1}"
        if found is None:
            yield f"{where}: not an entry of the log"
        elif line(found, key).rstrip(b"\n") != text:
            yield f"{where}: was edited, or written with another policy.audit_key"
        elif (found.seq, found.prev) != (expected, prev):
            yield f"{where}: does not follow the line before: lines were removed, inserted or reordered"
        else:
            yield found
        expected, prev = expected + 1, found.hash if found else prev


def _canonical(fields: Mapping[str, Any]) -> bytes:
    return json.dumps(fields, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def _digest(key: bytes, data: bytes) -> str:
    return hmac.new(key, data, hashlib.sha256).hexdigest() if key else hashlib.sha256(data).hexdigest()
