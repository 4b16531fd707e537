"""How long the store may take for one answer."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from affectstream.schemas.errors import Unavailable

T = TypeVar("T")

ANSWER_S = 2.0  # for one page; its client alone would retry for ten seconds


async def within(answer: Awaitable[T], limit_s: float = ANSWER_S) -> T:
    """Return an answer of the store; raises Unavailable where it takes too long."""
    try:
        async with asyncio.timeout(limit_s):
            return await answer
    except TimeoutError:
        raise Unavailable(f"no answer from the Redis within {limit_s:g} s") from None
