"""Claims of runs and leases of live producers, on a real Redis."""

import asyncio

import pytest
from support.redis_panes import finals

from affectstream.producers.runs import claimed, new_run, sending
from affectstream.runtime import leases
from affectstream.runtime.store import FusedStore
from affectstream.schemas import keys
from affectstream.schemas.errors import InputError, Unavailable
from affectstream.schemas.keys import Runs

pytestmark = pytest.mark.integration


async def test_of_many_that_claim_at_once_one_is_let(redis):
    async def attempt(number):
        async with FusedStore(redis) as store:
            return await store.claim_run("call", f"run-{number}") is None

    assert sum(await asyncio.gather(*(attempt(number) for number in range(8)))) == 1


async def test_a_session_with_windows_is_refused_replaced_or_left_apart(redis):
    async with FusedStore(redis) as store:
        await store.write(finals(1000, sid="call"))  # of a version without runs
        assert await store.runs_of(["call", "other"]) == [Runs(""), Runs()]
    with pytest.raises(InputError, match="--again replace deletes"):
        await claimed(redis, "call", "one", "refuse")
    assert await claimed(redis, "call", "one", "apart") == "call-2"
    assert await claimed(redis, "call", "two", "apart") == "call-3"
    assert await claimed(redis, "call", "three", "replace") == "call"
    with pytest.raises(InputError, match="run three of session call was sent already"):
        await claimed(redis, "call", "three", "replace")
    assert len(await claimed(redis, "x" * 64, new_run(), "apart")) == 64
    assert await claimed(redis, "x" * 64, new_run(), "apart") == "x" * 62 + "-2"


async def test_what_begins_deletes_what_was_kept_and_nothing_of_other_sessions(redis):
    async with FusedStore(redis) as store:
        await store.write([*finals(1000, 2000, sid="call"), *finals(1000, sid="other")])
        await store.begin_runs([("call", "two")])
        assert await store.session("call") is None
        assert await store.runs_of(["call", "other"]) == [Runs("two", ("two",)), Runs("")]
        assert [w.end_ms for w in await store.finals("other", "customer")] == [1000]
        await store.begin_runs([("call", "two")])  # once more, after a crash
        assert await store.runs_of(["call"]) == [Runs("two", ("two",))]
        assert await store._redis.ttl(keys.runs("call")) > 0
        await store.purge("call")
        assert await store.runs_of(["call"]) == [Runs()]


async def test_one_live_producer_at_a_time_sends_a_modality(redis, monkeypatch):
    monkeypatch.setattr(leases, "LEASE_MS", 600)
    monkeypatch.setattr(leases, "RENEW_S", 0.1)
    monkeypatch.setattr(leases, "POLL_S", 0.05)
    async with FusedStore(redis) as store, FusedStore(redis) as other:
        async with sending(store, "call", "customer", "video", "", "refuse"):
            with pytest.raises(InputError, match="another process sends video of customer in session call"):
                await sending(other, "call", "customer", "video", "", "refuse").__aenter__()
            async with sending(other, "call", "customer", "audio", "", "refuse"):
                pass
        async with sending(other, "call", "customer", "video", "", "refuse"):  # at once
            pass
        await store._redis.set(keys.sending("call", "customer", "video"), "of a crash", px=600)
        async with sending(other, "call", "customer", "video", "", "refuse"):  # once it has run out
            pass


async def test_a_live_session_ahead_of_the_clock_is_not_gone_on_with(redis):
    async with FusedStore(redis) as store:
        await store.write(finals(4_000_000_000_000, sid="call"))
        with pytest.raises(InputError, match="a clock was wrong"):
            await sending(store, "call", "customer", "video", "", "refuse").__aenter__()
        with pytest.raises(InputError, match="was sent already"):
            await sending(store, "call", "customer", "video", "two", "refuse").__aenter__()
        async with (
            sending(store, "call", "customer", "video", "two", "replace"),
            sending(store, "call", "customer", "audio", "two", "refuse"),  # another modality of that run
        ):
            pass


async def test_without_a_redis_nothing_can_be_claimed(redis):
    away = redis.model_copy(update={"url": "redis://127.0.0.1:1/0"})
    with pytest.raises(Unavailable):
        await claimed(away, "call", "one", "refuse")


@pytest.mark.parametrize(("off_ms", "says"), [(3_600_000, "3[56].. s ahead of"), (-90_000, "9. s behind")])
async def test_a_live_producer_with_a_wrong_clock_is_refused(redis, off_ms, says):
    async with FusedStore(redis) as store:
        now_ms = await store.clock_ms()
        with pytest.raises(InputError, match=f"clock is {says} that of Redis"):
            one = sending(store, "call", "customer", "video", "", "refuse", lambda: now_ms + off_ms)
            await one.__aenter__()
