"""The index of sessions in Redis: which there are, newest first, and what their finals span."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from affectstream.schemas import keys
from affectstream.schemas.messages import PARTIES, Party


@dataclass(frozen=True)
class Span:
    """The final windows of a party: ends of the first and of the last, in milliseconds."""

    first_end_ms: int
    last_end_ms: int


@dataclass(frozen=True)
class Session:
    """A session and its parties that have finals."""

    session_id: str
    parties: dict[Party, Span]

    @property
    def last_end_ms(self) -> int:
        """The end of the newest final window of any party."""
        return max((span.last_end_ms for span in self.parties.values()), default=0)


def end_ms(entry_id: bytes) -> int:
    """Return the window's end that the id of an entry of a stream says."""
    return int(entry_id.partition(b"-")[0])


async def listed(redis: Any, limit: int) -> list[Session]:
    """Return the sessions with the newest finals first; takes those off whose keys have expired."""
    found: list[Session] = []
    while len(found) < limit:
        ids = await redis.zrevrange(keys.SESSIONS, len(found), limit - 1)
        if not ids:
            break
        sessions = await read(redis, ids)
        found += [session for session in sessions if session.parties]
        expired = [session.session_id for session in sessions if not session.parties]
        if not expired:
            break
        await redis.zrem(keys.SESSIONS, *expired)
    return sorted(found, key=lambda session: -session.last_end_ms)


async def read(redis: Any, session_ids: Sequence[str]) -> list[Session]:
    """Return sessions by id: the first ends from the index, the last ones from the streams."""
    pipe = redis.pipeline(transaction=False)
    for session_id in session_ids:
        pipe.hgetall(keys.session(session_id))
    for key in product(session_ids, PARTIES):
        pipe.execute_command("XREVRANGE", keys.finals(*key), "+", "-", "COUNT", 1, NEVER_DECODE=True)
    replies = await pipe.execute()
    indexed = dict(zip(session_ids, replies[: len(session_ids)], strict=True))
    newest = dict(zip(product(session_ids, PARTIES), replies[len(session_ids) :], strict=True))
    return [
        Session(
            session_id,
            {
                party: Span(json.loads(indexed[session_id][party])["first"], end_ms(entries[0][0]))
                for party in PARTIES
                if party in indexed[session_id] and (entries := newest[session_id, party])
            },
        )
        for session_id in session_ids
    ]
