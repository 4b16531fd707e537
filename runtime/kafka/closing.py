"""The end of a Kafka client: bounded, and in order whatever the client raises while its broker is gone."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog

CLOSE_S = 10.0  # to leave a group and close connections

log = structlog.get_logger(__name__)


async def close(client: str, stopping: Coroutine[Any, Any, object], within_s: float = CLOSE_S) -> None:
    """Await ``stopping``, and give it up after ``within_s``; what it raises is logged.

    While a broker is gone, aiokafka may raise a CancelledError of its own, and Faust waits for ever.
    """
    task = asyncio.ensure_future(stopping)
    await asyncio.wait({task}, timeout=within_s)
    if not task.done():
        task.cancel()
        log.warning("client_not_closed", client=client, within_s=within_s)
    elif task.cancelled() or task.exception():
        error = asyncio.CancelledError() if task.cancelled() else task.exception()
        log.warning("client_closed_out_of_order", client=client, error=type(error).__name__)
