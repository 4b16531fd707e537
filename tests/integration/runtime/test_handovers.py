"""What one process gives to another by way of a real Redis: once, in time, or not at all."""

import asyncio

import pytest

from affectstream.runtime.handovers import Handovers

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]


async def test_what_is_asked_for_is_given_once(redis):
    async with Handovers(redis) as old, Handovers(redis) as new:
        asking = asyncio.create_task(new.ask(["gone", "call"], 20))
        while await old.asked() != {"gone", "call"}:
            await asyncio.sleep(0.01)
        assert await old.give("call", "state", 20)
        assert await asking == "state"
        assert await old.asked() == set()
        assert await new.ask(["call"], 0.1) is None  # it was taken


async def test_what_nobody_takes_stays_the_givers(redis):
    async with Handovers(redis) as old:
        assert not await old.give("late", "state", 0.1)
        assert await old.ask(["late"], 0.1) is None
