"""Finals that Redis has lost, put back between those that it has."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from redis.exceptions import WatchError

from affectstream.runtime import session_index
from affectstream.runtime.redis_client import Connected, translated
from affectstream.schemas import keys
from affectstream.schemas.messages import PartyKey


class Restorer(Connected):
    """``async with Restorer(settings.redis) as restorer``; the fusion may write the sessions meanwhile."""

    async def counts(self, parties: Sequence[PartyKey]) -> list[int]:
        """Return how many finals Redis holds of each party."""
        pipe = self._redis.pipeline(transaction=False)
        for party in parties:
            pipe.xlen(keys.finals(*party))
        with translated(self._settings):
            return [int(count) for count in await pipe.execute()]

    async def put_back(self, party: PartyKey, run: str, finals: Mapping[int, bytes]) -> int:
        """Merge finals, by the ends of their windows, into those of a party; return how many were missing.

        All at once: a reader sees the stream before or after it. What Redis holds stays as it is.
        """
        key = keys.finals(*party)
        async with self._redis.pipeline(transaction=True) as pipe:
            while True:
                with translated(self._settings):
                    await pipe.watch(key)
                    entries = await pipe.execute_command("XRANGE", key, "-", "+", NEVER_DECODE=True)
                    there = {session_index.end_ms(name): fields for name, fields in entries}
                    missing = finals.keys() - there.keys()
                    if not missing:
                        return 0
                    pipe.multi()
                    self._rewrite(pipe, party, run, finals, there)
                    try:
                        await pipe.execute()
                    except WatchError:
                        continue
                    return len(missing)

    def _rewrite(
        self, pipe: Any, party: PartyKey, run: str, finals: Mapping[int, bytes], there: Mapping[int, Any]
    ) -> None:
        session_id, name = party
        key, session = keys.finals(*party), keys.session(session_id)
        ends = sorted(finals.keys() | there.keys())
        pipe.delete(key)
        for end_ms in ends:
            pipe.xadd(key, there.get(end_ms) or {"detail": finals[end_ms]}, id=keys.stream_id(end_ms))
        pipe.hset(session, name, json.dumps({"first": ends[0], "last": ends[-1]}))
        if run:
            pipe.hsetnx(session, keys.RUN, run)
        pipe.zadd(keys.SESSIONS, {session_id: ends[-1]}, gt=True)
        for expiring in (key, session, keys.SESSIONS):
            pipe.expire(expiring, self._settings.ttl_s)
