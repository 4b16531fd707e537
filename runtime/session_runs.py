"""The runs of sessions in Redis: whose windows are kept, and which runs producers have claimed."""

from collections.abc import Sequence
from typing import Any

from redis.exceptions import WatchError

from affectstream.runtime.redis_pipeline import Pipeline, exchange
from affectstream.runtime.session_index import readable
from affectstream.schemas import keys
from affectstream.schemas.fields import UNNAMED
from affectstream.schemas.keys import Runs
from affectstream.schemas.messages import PARTIES


async def read(redis: Any, session_ids: Sequence[str]) -> list[Runs]:
    """Return the runs of sessions, in one round trip."""
    pipeline = Pipeline()
    for session_id in session_ids:
        pipeline.add(b"HGET", keys.session(session_id).encode(), keys.RUN.encode())
        pipeline.add(b"EXISTS", *(keys.finals(session_id, party).encode() for party in PARTIES))
        pipeline.add(b"LRANGE", keys.runs(session_id).encode(), b"0", b"-1")
    replies = readable(await exchange(redis, pipeline))
    return [
        Runs(
            kept.decode(errors="replace") if kept is not None else UNNAMED if exists else None,
            tuple(claim.decode(errors="replace") for claim in claims or ()),
        )
        for kept, exists, claims in zip(replies[::3], replies[1::3], replies[2::3], strict=True)
    ]


async def claim(redis: Any, session_id: str, run: str, replace: bool, ttl_s: int) -> Runs | None:
    """Claim a run of a session for a producer; returns what is there where that is refused.

    It is where the session has a run already, unless it is to ``replace`` that, and where this very run was
    claimed before.
    """
    async with redis.pipeline(transaction=True) as pipe:
        while True:
            try:
                await pipe.watch(keys.runs(session_id))
                found: Runs = (await read(redis, [session_id]))[0]
                if run in (found.kept, *found.claims) or (found and not replace):
                    return found
                pipe.multi()
                pipe.rpush(keys.runs(session_id), run)
                pipe.expire(keys.runs(session_id), ttl_s)
                await pipe.execute()
            except WatchError:
                continue
            return None


def begin(pipe: Any, session_id: str, run: str, ttl_s: int) -> None:
    """Delete the windows of all earlier runs of a session, and keep those of this one from now on."""
    for party in PARTIES:
        pipe.delete(keys.finals(session_id, party), keys.latest(session_id, party))
    pipe.delete(keys.session(session_id), keys.alerts(session_id))
    pipe.zadd(keys.SESSIONS, {session_id: 0}, xx=True)  # its place is that of the run that begins
    pipe.hset(keys.session(session_id), keys.RUN, run)
    pipe.lrem(keys.runs(session_id), 0, run)
    pipe.rpush(keys.runs(session_id), run)
    for key in (keys.session(session_id), keys.runs(session_id)):
        pipe.expire(key, ttl_s)
