"""What a Redis says of itself: what it does when it is full or restarted, and its clock."""

from dataclasses import dataclass

from redis.exceptions import NoPermissionError

from affectstream.runtime.clocks import wall_ms
from affectstream.runtime.redis_client import connect, translated
from affectstream.runtime.settings import RedisSettings
from affectstream.schemas.errors import Unavailable


@dataclass(frozen=True)
class RedisState:
    """The settings and the fill of a server."""

    evicts: str  # maxmemory-policy
    append_only: bool
    limit_bytes: int  # maxmemory; 0: none
    used_bytes: int
    cluster: bool
    ahead_ms: int  # its clock, of this machine's


async def redis_state(settings: RedisSettings) -> RedisState:
    """Return the state of the server; raises Unavailable where it is away or does not permit to ask."""
    redis = connect(settings, patient=False)
    try:
        with translated(settings):
            try:
                info = await redis.info()
            except NoPermissionError:
                raise Unavailable(
                    "redis.username may not use INFO; look with a user who may (+info)"
                ) from None
            began_ms = wall_ms()
            seconds, microseconds = await redis.time()
            here_ms = (began_ms + wall_ms()) // 2
    finally:
        await redis.aclose()
    return RedisState(
        info["maxmemory_policy"],
        bool(info["aof_enabled"]),
        info["maxmemory"],
        info["used_memory"],
        bool(info["cluster_enabled"]),
        seconds * 1000 + microseconds // 1000 - here_ms,
    )
