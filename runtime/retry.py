"""Retrying what fails because a broker or Redis is away."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_exponential

from affectstream.schemas.errors import Unavailable

log = structlog.get_logger(__name__)

LONGEST_WAIT_S = 5  # between attempts

T = TypeVar("T")


async def retry_until_available(action: Callable[[], Awaitable[T]]) -> T:
    """Return what ``action`` returns, tried until nothing is unavailable any more."""
    async for attempt in AsyncRetrying(
        retry=retry_if_exception_type(Unavailable),
        wait=wait_exponential(multiplier=0.1, max=LONGEST_WAIT_S),
        before_sleep=_warn,
    ):
        with attempt:
            return await action()
    raise AssertionError("the attempts never end without a result")


def _warn(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    log.warning("unavailable", attempt=state.attempt_number, error=str(error))
