"""An operator's trust on a real Redis: set, held for a time, taken back, and on record."""

import pytest
from redis.asyncio import Redis

from affectstream.runtime.store import FusedStore
from affectstream.schemas import keys
from affectstream.schemas.errors import InputError

pytestmark = pytest.mark.integration


async def test_an_operators_trust_is_set_and_taken_back(redis):
    async with FusedStore(redis) as store:
        assert await store.trust() == {}
        await store.set_trust({"video": 0.25, "text": 1.0})
        assert await store.trust() == {"video": 0.25, "text": 1.0}
        await store.set_trust({"video": None, "audio": 0.0})
        assert await store.trust() == {"audio": 0.0, "text": 1.0}
        with pytest.raises(InputError, match="between 0 and 1"):
            await store.set_trust({"video": 1.5})


async def test_an_operators_trust_may_hold_for_a_time_only(redis):
    async with FusedStore(redis) as store:
        await store.set_trust({"video": 0.25}, for_s=3600)
        assert await store.trust() == {"video": 0.25}
        await store.set_trust({"video": 0.5}, for_s=-1)
        assert await store.trust() == {}
        await store.set_trust({"video": 0.75})
        assert await store.trust() == {"video": 0.75}


async def test_who_set_which_trust_and_who_goes_by_it_is_on_record(redis):
    settings = redis.model_copy(update={"ttl_s": 600})
    async with FusedStore(settings) as store:
        assert await store.trust_log() == []
        await store.set_trust({"video": 0.25, "text": None}, by="ana", for_s=60)
        await store.saw_trust({"video": 0.25}, by="a fusion process")
        saw, was_set = await store.trust_log()
        assert (was_set.by, was_set.did, was_set.trust) == ("ana", "set", {"video": 0.25, "text": None})
        assert was_set.until_ms == was_set.at_ms + 60_000
        assert (saw.by, saw.did, saw.trust, saw.until_ms) == (
            "a fusion process",
            "saw",
            {"video": 0.25},
            None,
        )
        client = Redis.from_url(redis.url)
        assert 590 <= await client.ttl(keys.TRUST_LOG) <= 600
        await client.hset(keys.TRUST, "audio", "loud")  # by hand
        assert await store.trust() == {"video": 0.25}
        await client.aclose()
