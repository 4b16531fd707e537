"""An operator's trust per modality in Redis, until when it holds, and a log of it.

What is set by hand (``HSET affect:trust video 0.4``) holds too; what is no number between 0 and 1 does not.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from affectstream.runtime.clocks import wall_ms
from affectstream.runtime.redis_client import translated
from affectstream.runtime.settings import RedisSettings
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


class TrustStore:
    """What a store keeps of it in Redis."""

    _redis: Any
    _settings: RedisSettings

    async def trust(self) -> dict[Modality, float]:
        """Return an operator's trust that is in force, for the modalities that have it."""
        with translated(self._settings):
            fields = await self._redis.hgetall(keys.TRUST)
        return in_force(fields, wall_ms())

    async def set_trust(self, trust: Trust, by: str = "unknown", for_s: float | None = None) -> None:
        """Set an operator's trust per modality, None to take it back, and note it; raises InputError."""
        check(trust)
        now_ms = wall_ms()
        until_ms = None if for_s is None else now_ms + round(1000 * for_s)
        pipe = self._redis.pipeline(transaction=True)
        write(pipe, trust, until_ms)
        pipe.expire(keys.TRUST, self._settings.ttl_s)
        await self._note(pipe, Entry(now_ms, by, "set", trust, until_ms))

    async def saw_trust(self, trust: Mapping[Modality, float], by: str) -> None:
        """Note that a process goes by this trust from now on, however it came into Redis."""
        pipe = self._redis.pipeline(transaction=True)
        await self._note(pipe, Entry(wall_ms(), by, "saw", trust))

    async def trust_log(self, limit: int = 20) -> list[Entry]:
        """Return the newest entries of the log of trust, newest first."""
        with translated(self._settings):
            entries = await self._redis.xrevrange(keys.TRUST_LOG, count=limit)
        return [entry(fields) for _, fields in entries]

    async def _note(self, pipe: Any, entry: Entry) -> None:
        note(pipe, entry)
        pipe.expire(keys.TRUST_LOG, self._settings.ttl_s)
        with translated(self._settings):
            await pipe.execute()
