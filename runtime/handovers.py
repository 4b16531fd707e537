"""Calls handed over between processes by way of Redis: one asks for what another one has, which gives it.

What is given is taken once: by whoever asked, or back by the giver where nobody did in time. It holds neither
sound nor words, and expires.
"""

import asyncio
from collections.abc import Sequence

from affectstream.runtime.redis_client import Connected, translated
from affectstream.schemas import keys

EXPIRES_S = 30
POLL_S = 0.05


class Handovers(Connected):
    """``async with Handovers(settings.redis) as handovers``."""

    async def ask(self, names: Sequence[str], timeout_s: float) -> str | None:
        """Ask for what goes by one of these names; None where nobody gives it in time. Raises Unavailable."""
        deadline_s = asyncio.get_running_loop().time() + timeout_s
        with translated(self._settings):
            await self._redis.hset(keys.HANDOVERS, mapping=dict.fromkeys(names, 1))
            await self._redis.expire(keys.HANDOVERS, EXPIRES_S)
            try:
                while asyncio.get_running_loop().time() < deadline_s:
                    for name in names:
                        if (given := await self._redis.getdel(keys.handover(name))) is not None:
                            return str(given)
                    await asyncio.sleep(POLL_S)
            finally:
                await self._redis.hdel(keys.HANDOVERS, *names)
        return None

    async def asked(self) -> set[str]:
        """Return the names that are asked for now; raises Unavailable."""
        with translated(self._settings):
            return {*await self._redis.hkeys(keys.HANDOVERS)}

    async def give(self, name: str, what: str, timeout_s: float) -> bool:
        """Give what was asked for; False where nobody took it, so that it is the giver's still.

        Raises Unavailable; whether it was taken is not known then.
        """
        key, deadline_s = keys.handover(name), asyncio.get_running_loop().time() + timeout_s
        with translated(self._settings):
            await self._redis.set(key, what, ex=EXPIRES_S)
            while asyncio.get_running_loop().time() < deadline_s:
                if not await self._redis.exists(key):
                    return True
                await asyncio.sleep(POLL_S)
            return await self._redis.getdel(key) is None
