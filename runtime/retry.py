"""Retrying what fails because a broker or Redis is away, and when that was last so."""

import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception_type,
    stop_after_delay,
    stop_never,
    wait_exponential,
)

from affectstream.schemas.errors import Unavailable

log = structlog.get_logger(__name__)

LONGEST_WAIT_S = 5  # between attempts

T = TypeVar("T")

_last_s = float("-inf")  # when something of this process was last found away


def note_unavailable() -> None:
    """Take note that a broker or Redis is away."""
    global _last_s
    _last_s = time.monotonic()


def unavailable_within(seconds: float) -> bool:
    """Say whether a broker or Redis was away within the last ``seconds``: a reason to make no progress."""
    return time.monotonic() - _last_s < seconds


async def retry_until_available(action: Callable[[], Awaitable[T]], within_s: float | None = None) -> T:
    """Return what ``action`` returns, tried until nothing is unavailable any more.

    Raises Unavailable where that takes longer than ``within_s``, if given.
    """
    async for attempt in AsyncRetrying(
        retry=retry_if_exception_type(Unavailable),
        stop=stop_never if within_s is None else stop_after_delay(within_s),
        reraise=True,
        wait=wait_exponential(multiplier=0.1, max=LONGEST_WAIT_S),
        before_sleep=_warn,
    ):
        with attempt:
            return await action()
    raise AssertionError("the attempts never end without a result")


def _warn(state: RetryCallState) -> None:
    note_unavailable()
    error = state.outcome.exception() if state.outcome else None
    log.warning("unavailable", attempt=state.attempt_number, error=str(error))
