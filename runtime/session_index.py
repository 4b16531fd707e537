"""The index of sessions in Redis: which there are, newest first, and what their finals span."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from affectstream.runtime.redis_pipeline import Pipeline, exchange
from affectstream.schemas import keys
from affectstream.schemas.messages import PARTIES, Party

OTHER_TYPE = "WRONGTYPE"  # in the server's refusal of a command for the type of a key


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
    """Return sessions by id, as the ends of their streams say; what is no stream of finals does not count."""
    parties = list(product(session_ids, PARTIES))
    pipeline = Pipeline()
    for key in parties:
        finals = keys.finals(*key).encode()
        pipeline.add(b"XRANGE", finals, b"-", b"+", b"COUNT", b"1")
        pipeline.add(b"XREVRANGE", finals, b"+", b"-", b"COUNT", b"1")
    replies = readable(await exchange(redis, pipeline))
    spans = {
        key: Span(end_ms(first[0][0]), end_ms(last[0][0]))
        for key, first, last in zip(parties, replies[::2], replies[1::2], strict=True)
        if first and last
    }
    return [
        Session(sid, {party: spans[sid, party] for party in PARTIES if (sid, party) in spans})
        for sid in session_ids
    ]


def readable(replies: Sequence[Any]) -> list[Any]:
    """Return replies to commands; None where a key holds something of another type. Raises other errors."""
    for reply in replies:
        if isinstance(reply, Exception) and OTHER_TYPE not in str(reply):
            raise reply
    return [None if isinstance(reply, Exception) else reply for reply in replies]
