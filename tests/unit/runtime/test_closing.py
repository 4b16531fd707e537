"""Kafka clients whose broker is gone when they are closed."""

import asyncio

import structlog

from affectstream.runtime.kafka.closing import close


async def _closed_in_order():
    return None


async def _cancels_itself():
    raise asyncio.CancelledError


async def _fails():
    raise ConnectionError("gone")


async def _waits_for_ever():
    await asyncio.Event().wait()


async def test_whatever_a_client_does_when_it_is_closed_the_process_goes_on_to_its_end():
    with structlog.testing.capture_logs() as logged:
        for stopping in (_closed_in_order, _cancels_itself, _fails, _waits_for_ever):
            await close(stopping.__name__, stopping(), 0.05)
    assert [(line["client"], line.get("error")) for line in logged] == [
        ("_cancels_itself", "CancelledError"),
        ("_fails", "ConnectionError"),
        ("_waits_for_ever", None),
    ]
