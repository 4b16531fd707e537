"""Consent and pauses on a real Redis: final, at once in every process, and known after anything restarts."""

import asyncio

import pytest
from redis.asyncio import Redis

import affectstream.runtime.consent as consent_module
from affectstream.runtime.audit import audit_log
from affectstream.runtime.consent import Consents
from affectstream.runtime.consent_store import ConsentStore, restore
from affectstream.runtime.embedded import EmbeddedRedis
from affectstream.runtime.settings import PolicySettings, RedisSettings
from affectstream.schemas import keys
from affectstream.schemas.consent import Standing
from affectstream.schemas.errors import PolicyError, Unavailable

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]


@pytest.fixture
def policy(tmp_path):
    return PolicySettings(audit_log=tmp_path / "audit.jsonl")


async def until(happened):
    async with asyncio.timeout(30):
        while not happened():
            await asyncio.sleep(0.01)


async def test_a_withdrawal_is_known_at_once_is_final_and_never_expires(redis, policy):
    dropped = []
    async with ConsentStore(redis, policy) as store, Consents(redis, policy) as consents:
        consents.on_refused = dropped.append
        await consents.learn(["one", "two"])
        assert not consents.refuses("one")
        await store.set("one", "granted", "ana")
        await store.set("one", "withdrawn", "ana")
        await until(lambda: consents.refuses("one"))
        assert dropped == ["one"]
        assert not consents.refuses("two")
        with pytest.raises(PolicyError, match="final"):
            await store.set("one", "granted", "ana")
    client = Redis.from_url(redis.url)
    assert await client.ttl(keys.consent("one")) == -1
    await client.aclose()
    async with Consents(redis, policy) as later:
        await later.learn(["one"])
        assert later.refuses("one")
    entries = [(e.did, e.session, e.detail.get("state")) for e in audit_log(policy).entries()]
    assert entries == [("consent", "one", "granted"), ("consent", "one", "withdrawn")]


async def test_a_session_that_was_assumed_unknown_is_asked_for_again(redis, policy):
    async with ConsentStore(redis, policy) as store:
        await store.set("one", "withdrawn", "ana")
    changed = []
    async with Consents(redis, policy) as consents:
        consents.on_change = changed.append
        consents.assume("one")
        assert not consents.refuses("one")
        await until(lambda: consents.refuses("one"))
    assert changed == ["one", "one"]


async def test_a_redis_that_lost_its_data_gets_the_withdrawals_from_the_audit_log(redis, policy):
    async with ConsentStore(redis, policy) as store:
        await store.set("one", "withdrawn", "ana")
        await store.set("two", "granted", "ana")
        client = Redis.from_url(redis.url)
        await client.flushdb()
        await client.aclose()
        assert await restore(redis, policy) == 1
        assert (await store.standing("one")).consent == "withdrawn"
        assert (await store.standing("two")).consent == "unknown"
        assert await restore(redis, policy) == 0
    assert len(list(audit_log(policy).entries())) == 2


async def test_only_the_consents_of_the_setting_are_processed(redis, tmp_path):
    strict = PolicySettings(audit_log=tmp_path / "audit.jsonl", consent=("granted",))
    async with ConsentStore(redis, strict) as store, Consents(redis, strict) as consents:
        await consents.learn(["call"])
        assert consents.refuses("call")
        await store.set("call", "granted", "ana")
        await until(lambda: not consents.refuses("call"))


async def test_a_pause_holds_in_every_process_until_it_is_resumed(redis, policy):
    async with ConsentStore(redis, policy) as store, Consents(redis, policy) as consents:
        await consents.learn(["call"])
        await store.pause("call", "ana")
        await until(lambda: consents.standing("call").paused)
        assert (await store.standing("call")).paused
        await store.resume("call", "ana")
        await until(lambda: not consents.standing("call").paused)
        assert len(consents.standing("call").pauses) == 1
    assert [e.did for e in audit_log(policy).entries()] == ["pause", "resume"]


async def test_changes_at_once_are_all_kept(redis, policy):
    async with ConsentStore(redis, policy) as store:
        await asyncio.gather(
            *(store.set("call", "notified", "a") for _ in range(4)), store.pause("call", "b")
        )
        found = await store.standing("call")
    assert (found.consent, found.paused, found.version) == ("notified", True, 2)


async def test_a_process_that_was_cut_off_catches_up(redis, policy):
    client = Redis.from_url(redis.url)
    async with ConsentStore(redis, policy) as store, Consents(redis, policy) as consents:
        await consents.learn(["call"])
        await store.set("call", "withdrawn", "ana")
        await client.delete(keys.CONSENT_CHANGES)  # as if the stream had been trimmed
        await client.client_kill_filter(_type="normal", skipme=True)
        await until(lambda: consents.refuses("call"))
    await client.aclose()


async def test_what_something_else_wrote_is_not_processed(redis, policy):
    client = Redis.from_url(redis.url)
    await client.set(keys.consent("call"), "nonsense")
    async with Consents(redis, policy) as consents:
        await consents.learn(["call"])
        assert consents.refuses("call")
    await client.aclose()


async def test_what_is_asked_for_is_never_among_what_is_forgotten(redis, policy, monkeypatch):
    monkeypatch.setattr(consent_module, "REMEMBERED", 2)
    async with ConsentStore(redis, policy) as store, Consents(redis, policy) as consents:
        await store.set("first", "withdrawn", "test")
        await consents.learn(["first", "second"])
        await consents.learn(["third", "first"])
        assert consents.known.keys() == {"first", "third"}
        assert consents.refused == {"first"}
        await consents.learn(["second", "third"])
        assert consents.known.keys() == {"second", "third"}
        assert consents.refuses("first")


async def test_without_redis_nothing_is_known_and_a_process_that_stops_says_so(policy):
    stopping = asyncio.Event()
    with EmbeddedRedis() as server:
        settings = RedisSettings(url=server.url)
        entered = Consents(settings, policy, stopping)
        consents = await entered.__aenter__()
        await consents.learn(["known"])
    learning = asyncio.create_task(consents.learn(["new"]))
    await asyncio.sleep(0)
    assert not learning.done()
    assert not consents.refuses("known")
    assert consents.refuses("new")
    stopping.set()
    with pytest.raises(Unavailable):
        await learning
    await entered.__aexit__(None, None, None)
    assert consents.standing("known") == Standing()
