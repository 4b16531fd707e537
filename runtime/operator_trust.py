"""An operator's trust per modality in Redis, until when it holds, and a log of it.

What is set by hand (``HSET affect:trust video 0.4``) holds too; what is no number between 0 and 1 does not.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from affectstream.schemas import keys
from affectstream.schemas.errors import InputError
from affectstream.schemas.messages import MODALITIES, Modality

ENTRIES = 1000  # of the log, about
UNTIL = "_until_ms"

Trust = Mapping[Modality, float | None]  # None takes it back


@dataclass(frozen=True)
class Entry:
    """One line of the log."""

    at_ms: int
    by: str
    did: Literal["set", "saw"]
    trust: Trust
    until_ms: int | None = None


def in_force(fields: Mapping[str, str], now_ms: int) -> dict[Modality, float]:
    """Return the trust in the hash's ``fields`` that holds at ``now_ms``; what is impossible is ignored."""
    found: dict[Modality, float] = {}
    for modality in MODALITIES:
        if modality not in fields:
            continue
        value, until_ms = _number(fields[modality]), _number(fields.get(modality + UNTIL, "inf"))
        if value is None or until_ms is None or not 0.0 <= value <= 1.0:
            import structlog  # a reader that only lists starts without it

            structlog.get_logger(__name__).warning("operator_trust_ignored", modality=modality)
        elif now_ms < until_ms:
            found[modality] = value
    return found


def check(trust: Trust) -> None:
    """Raise InputError for what is no trust."""
    for modality, value in trust.items():
        if modality not in MODALITIES or not (value is None or 0.0 <= value <= 1.0):
            raise InputError(f"trust is between 0 and 1, for one of {', '.join(MODALITIES)}")


def write(pipe: Any, trust: Trust, until_ms: int | None) -> None:
    """Put onto a pipeline what sets ``trust``, and takes back what is None."""
    gone = [name for m, value in trust.items() for name in (m, m + UNTIL) if value is None or name != m]
    kept = {m: str(value) for m, value in trust.items() if value is not None}
    if gone:
        pipe.hdel(keys.TRUST, *gone)
    if kept:
        until = {} if until_ms is None else {m + UNTIL: str(until_ms) for m in kept}
        pipe.hset(keys.TRUST, mapping=kept | until)


def note(pipe: Any, entry: Entry) -> None:
    """Put onto a pipeline what adds ``entry`` to the log."""
    fields = {
        "at_ms": str(entry.at_ms),
        "by": entry.by,
        "did": entry.did,
        "trust": json.dumps(dict(entry.trust)),
    }
    if entry.until_ms is not None:
        fields["until_ms"] = str(entry.until_ms)
    pipe.xadd(keys.TRUST_LOG, fields, maxlen=ENTRIES, approximate=True)


def entry(fields: Mapping[str, str]) -> Entry:
    """Return a line of the log from its fields in Redis."""
    until = fields.get("until_ms")
    did: Literal["set", "saw"] = "set" if fields["did"] == "set" else "saw"
    trust = json.loads(fields["trust"])
    return Entry(int(fields["at_ms"]), fields["by"], did, trust, int(until) if until else None)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
