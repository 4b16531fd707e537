"""The outbox of webhooks in Redis: events wait in a stream until one of the processes has delivered them."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self

from redis.exceptions import ResponseError

from affectstream.runtime.redis_client import connect, translated
from affectstream.runtime.settings import RedisSettings
from affectstream.schemas import keys

GROUP = "webhook"
LONGEST = 100_000  # events that wait; the oldest are dropped beyond it
CLAIM_MS = 300_000  # of a delivery that another process took and did not finish


@dataclass(frozen=True)
class Waiting:
    """An event that is to be delivered."""

    entry_id: str
    fields: Mapping[str, Any]


class Outbox:
    """Events of webhooks; every method raises Unavailable where Redis is away."""

    def __init__(self, settings: RedisSettings, consumer: str) -> None:
        self._redis, self._settings, self._consumer = connect(settings, patient=True), settings, consumer

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._redis.aclose()

    async def add(self, events: Sequence[Mapping[str, Any]]) -> None:
        """Append events, all or none."""
        pipe = self._redis.pipeline(transaction=True)
        for event in events:
            text = json.dumps(event, separators=(",", ":"))
            pipe.xadd(keys.WEBHOOKS, {"event": text}, maxlen=LONGEST, approximate=True)
        pipe.expire(keys.WEBHOOKS, self._settings.ttl_s)
        with translated(self._settings):
            await pipe.execute()

    async def take(self, count: int, wait_ms: int) -> list[Waiting]:
        """Return events for this process to deliver: what it or a dead one left, or else new ones."""
        with translated(self._settings):
            name, group, own = keys.WEBHOOKS, GROUP, self._consumer
            try:
                claimed = await self._redis.xautoclaim(name, group, own, CLAIM_MS, count=count)
                if entries := claimed[1]:
                    return _events(entries)
                found = await self._redis.xreadgroup(group, own, {name: ">"}, count=count, block=wait_ms)
            except ResponseError:  # there is no stream yet, or it has expired, and its group with it
                await self._begin()
                return []
        return _events(found[0][1]) if found else []

    async def done(self, event: Waiting) -> None:
        """Take an event off that has been delivered, or given up."""
        pipe = self._redis.pipeline(transaction=True)
        pipe.xack(keys.WEBHOOKS, GROUP, event.entry_id)
        pipe.xdel(keys.WEBHOOKS, event.entry_id)
        with translated(self._settings):
            await pipe.execute()

    async def _begin(self) -> None:
        with suppress(ResponseError):  # another process has made it
            await self._redis.xgroup_create(keys.WEBHOOKS, GROUP, id="0", mkstream=True)


def _events(entries: Sequence[tuple[str, Mapping[str, str]]]) -> list[Waiting]:
    return [Waiting(entry_id, json.loads(fields["event"])) for entry_id, fields in entries if fields]
