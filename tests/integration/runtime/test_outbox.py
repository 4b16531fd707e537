"""The outbox of webhooks on a real Redis: what one process took and did not finish, another delivers."""

import pytest

from affectstream.runtime import outbox
from affectstream.runtime.outbox import Outbox
from affectstream.runtime.settings import RedisSettings

pytestmark = pytest.mark.integration


async def taken(box: Outbox, count: int = 10) -> list[int]:
    """What is taken at last: the first look may only make the group."""
    found = await box.take(count, 10) or await box.take(count, 10)
    return [event.fields["n"] for event in found]


async def test_an_event_is_taken_until_it_is_done(redis: RedisSettings, monkeypatch: pytest.MonkeyPatch):
    async with Outbox(redis, "one") as one, Outbox(redis, "two") as two:
        await one.add([{"n": n} for n in range(3)])
        first = await one.take(10, 10) or await one.take(10, 10)
        assert [event.fields["n"] for event in first] == [0, 1, 2]
        assert await taken(two) == []  # the first process has them
        await one.done(first[0])
        monkeypatch.setattr(outbox, "CLAIM_MS", 0)  # it has died
        assert await taken(two) == [1, 2]
        await two.add([{"n": 3}])
        for event in await two.take(10, 10):
            await two.done(event)
        assert await taken(two) == [3]
