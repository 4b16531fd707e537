"""Deletion of a session: from Redis and the folder of recordings, and what Kafka holds until when."""

import asyncio
import time
from typing import TYPE_CHECKING

from affectstream.runtime.audit import audit_log
from affectstream.runtime.recordings import delete
from affectstream.runtime.settings import load
from affectstream.runtime.store import FusedStore
from affectstream.schemas.retention import IN_TOPICS, deleted_within_ms
from affectstream.schemas.topics import ALL

if TYPE_CHECKING:
    from rich.table import Table

    from affectstream.runtime.settings import RedisSettings


def purge(session_id: str) -> tuple[int, int]:
    """Delete a session and note it; returns how many keys, and how many recordings, there were."""
    settings = load()
    keys = asyncio.run(_from_redis(session_id, settings.redis))
    folder = settings.policy.recordings
    files = delete(folder, session_id) if folder else 0
    if keys or files:
        audit_log(settings.policy).append("purge", session_id, detail={"keys": keys, "recordings": files})
    return keys, files


def kafka_holds() -> "Table":
    """Return what the topics hold of a session that is purged now, and until when at the latest.

    A topic deletes by age, in whole segments: what belongs to one session cannot be taken out before.
    """
    from affectstream.tables import listing, utc

    now_ms = int(time.time() * 1000)
    table = listing("Kafka deletes by age; it holds of the session", "topic", "what", "until (UTC), at most")
    for topic in ALL:
        until = utc(now_ms + deleted_within_ms(topic))
        table.add_row(topic.name, IN_TOPICS.get(topic, "probabilities"), until)
    return table


async def _from_redis(session_id: str, redis: "RedisSettings") -> int:
    async with FusedStore(redis) as store:
        return await store.purge(session_id)
