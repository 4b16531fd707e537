"""Leases in Redis: one process at a time sends a modality of a live session."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import structlog
from redis.exceptions import RedisError

from affectstream.runtime.redis_client import translated
from affectstream.runtime.settings import RedisSettings
from affectstream.schemas.errors import InputError

LEASE_MS = 10_000  # after a crash, the next process waits so long
RENEW_S = 3.0
POLL_S = 0.5

log = structlog.get_logger(__name__)


@asynccontextmanager
async def lease(redis: Any, settings: RedisSettings, key: str, what: str) -> AsyncIterator[None]:
    """Hold ``key`` while the context is open; ``what`` it stands for is named where another holds it.

    One that was left by a crash is waited for. Raises InputError where it is renewed meanwhile, Unavailable
    where Redis goes away before it is held.
    """
    token, clock = secrets.token_hex(8), asyncio.get_running_loop().time
    deadline_s = clock() + 1.5 * LEASE_MS / 1000
    with translated(settings):
        while not await redis.set(key, token, nx=True, px=LEASE_MS):
            if clock() > deadline_s:
                raise InputError(f"another process sends {what}: end that one, or choose another --session")
            await asyncio.sleep(POLL_S)
    renewing = asyncio.create_task(_renew(redis, key, token))
    try:
        yield
    finally:
        renewing.cancel()
        with contextlib.suppress(RedisError, OSError):
            if await redis.get(key) == token:
                await redis.delete(key)


async def _renew(redis: Any, key: str, token: str) -> None:
    """Renew the lease until cancelled; what is sent goes on where Redis is away for a while."""
    while True:
        await asyncio.sleep(RENEW_S)
        try:
            if await redis.get(key) in (None, token):
                await redis.set(key, token, px=LEASE_MS)
            else:
                log.error("lease_lost", key=key)
        except (RedisError, OSError) as error:
            log.warning("lease_not_renewed", error=type(error).__name__)
