"""Members of a consumer group on a real broker: who reads what, and what may be committed."""

from contextlib import AsyncExitStack

import pytest
from support.kafka_texts import GROUP, TEXTS, read, until, utterance
from support.served import served

from affectstream.runtime.kafka import Publisher, Subscriber
from affectstream.runtime.kafka.lag import LagMeter, lag
from affectstream.schemas.topics import PARTITIONS, PROBABILITIES

pytestmark = pytest.mark.integration


async def test_two_members_share_the_same_partition_numbers_of_all_topics(kafka):
    names = [TEXTS, PROBABILITIES.name]
    async with Subscriber(kafka, names, GROUP) as one, Subscriber(kafka, names, GROUP) as two:
        await until(lambda: len(one.assigned()) == len(two.assigned()) == PARTITIONS, one, two)
        numbers = [{p for _, p in member.assigned()} for member in (one, two)]
        assert all({t for t, _ in member.assigned()} == set(names) for member in (one, two))
    assert numbers[0].isdisjoint(numbers[1])
    assert numbers[0] | numbers[1] == set(range(PARTITIONS))


async def test_a_commit_for_a_partition_that_has_gone_is_left_out(kafka):
    gone: set[tuple[str, int]] = set()
    async with AsyncExitStack() as stack:
        publisher = await stack.enter_async_context(Publisher(kafka))
        for partition in range(PARTITIONS):
            await publisher.send_many([utterance(i) for i in range(10)], partition=partition)
        one = await stack.enter_async_context(Subscriber(kafka, [TEXTS], GROUP, on_revoked=gone.update))
        await read(one, 40)
        two = await stack.enter_async_context(Subscriber(kafka, [TEXTS], GROUP))
        again = await until(lambda: len(one.assigned()) == len(two.assigned()) == 2, one, two)
        assert gone == {(TEXTS, p) for p in range(PARTITIONS)}
        seen = [r for r in again if (TEXTS, r.partition) in two.assigned()]
        await read(two, 20 - len(seen))
        await two.commit({partition: 10 for partition in two.assigned()})
        before = await served("affect_commits_dropped_total")
        await one.commit({partition: 3 for partition in two.assigned()})
        assert await served("affect_commits_dropped_total") == before + 2
        async with LagMeter(kafka) as meter:
            behind = await meter.lag(TEXTS, GROUP)
        assert [behind[p] for _, p in sorted(two.assigned())] == [0, 0]


async def test_what_was_in_flight_can_be_committed_while_partitions_are_revoked(kafka):
    async with AsyncExitStack() as stack:
        publisher = await stack.enter_async_context(Publisher(kafka))
        for partition in range(PARTITIONS):
            await publisher.send_many([utterance(i) for i in range(10)], partition=partition)
        members: list[Subscriber] = []

        async def commit_all(partitions: frozenset[tuple[str, int]]) -> None:
            await members[0].commit({partition: 10 for partition in partitions})

        one = await stack.enter_async_context(Subscriber(kafka, [TEXTS], GROUP, on_revoked=commit_all))
        members.append(one)
        await read(one, 40)
        two = await stack.enter_async_context(Subscriber(kafka, [TEXTS], GROUP))
        again = await until(lambda: len(one.assigned()) == len(two.assigned()) == 2, one, two)
        assert again == []
        assert await lag(kafka, TEXTS, GROUP) == dict.fromkeys(range(PARTITIONS), 0)


async def test_work_from_before_a_rebalance_is_read_again_and_committed_once(kafka):
    async with AsyncExitStack() as stack:
        publisher = await stack.enter_async_context(Publisher(kafka))
        for partition in range(PARTITIONS):
            await publisher.send_many([utterance(i) for i in range(10)], partition=partition)
        one = await stack.enter_async_context(Subscriber(kafka, [TEXTS], GROUP))
        await read(one, 40)
        two = await stack.enter_async_context(Subscriber(kafka, [TEXTS], GROUP))
        again = await until(lambda: len(one.assigned()) == len(two.assigned()) == 2, one, two)
        again += await read(one, 20 - len([r for r in again if (TEXTS, r.partition) in one.assigned()]))
        again += await read(two, 40 - len(again))
        assert sorted({(r.partition, r.offset) for r in again}) == [
            (p, n) for p in range(4) for n in range(10)
        ]


async def test_a_member_with_an_instance_name_is_back_without_a_rebalance(kafka):
    named = [kafka.model_copy(update={"instance_id": name}) for name in ("a", "b")]
    revoked: list[frozenset[tuple[str, int]]] = []
    async with Subscriber(named[0], [TEXTS], GROUP, on_revoked=revoked.append) as stays:
        async with Subscriber(named[1], [TEXTS], GROUP) as leaves:
            await until(lambda: len(stays.assigned()) == len(leaves.assigned()) == 2, stays, leaves)
            before = leaves.assigned()
        revoked.clear()
        async with Subscriber(named[1], [TEXTS], GROUP) as back:
            await until(lambda: bool(back.assigned()), stays, back)
            assert back.assigned() == before
        assert revoked == []


async def test_a_member_too_many_waits_and_takes_over_when_another_leaves(kafka):
    """Five members for four partitions."""
    async with AsyncExitStack() as stack:
        members = [
            await stack.enter_async_context(Subscriber(kafka, [TEXTS], GROUP)) for _ in range(PARTITIONS)
        ]
        async with Subscriber(kafka, [TEXTS], GROUP) as fifth:
            members.append(fifth)
            await until(lambda: sorted(len(m.assigned()) for m in members) == [0, 1, 1, 1, 1], *members)
            if not fifth.assigned():
                assert await fifth.get(1, 50) == []
        rest = members[:PARTITIONS]
        await until(lambda: all(len(m.assigned()) == 1 for m in rest), *rest)


async def test_lag_is_measured_from_what_was_reached_where_a_reader_keeps_more_to_read_again(kafka):
    async with Publisher(kafka) as publisher, Subscriber(kafka, [TEXTS], GROUP) as one:
        await publisher.send_many([utterance(i) for i in range(10)], partition=0)
        await read(one, 10)
        await one.commit({(TEXTS, 0): 4}, {(TEXTS, 0): 9})
        assert (await lag(kafka, TEXTS, GROUP))[0] == 1
    async with Subscriber(kafka, [TEXTS], GROUP) as two:
        assert [record.offset for record in await read(two, 6)] == list(range(4, 10))
