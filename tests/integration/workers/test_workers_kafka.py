"""Workers on a real broker: nothing lost, nothing out of order, whoever joins or leaves."""

import asyncio

import pytest
from support.worker_fakes import Words, envelope, said
from support.worker_topics import behind_at_most, caught_up, letters, observed, read_all, working

from affectstream.runtime.kafka import Publisher
from affectstream.schemas.messages import EndOfStream, Observations
from affectstream.schemas.topics import PARTITIONS, PROBABILITIES

pytestmark = pytest.mark.integration

SESSIONS, EACH = 24, 30


def stream(first, last):
    """So many utterances of each of many sessions, interleaved."""
    return [said(f"word {seq}", f"s{n}", seq) for seq in range(first, last) for n in range(SESSIONS)]


async def send(settings, messages):
    async with Publisher(settings.kafka) as publisher:
        await publisher.send_many(messages)


def by_session(observations):
    found = {}
    for partition, observation in observations:
        found.setdefault(observation.session_id, []).append((partition, observation.seq))
    return found


async def test_every_input_is_answered_once_in_order_and_everything_is_committed(broker_settings):
    ends = [EndOfStream(**envelope(f"s{n}", EACH)) for n in range(SESSIONS)]
    async with working(broker_settings, Words()):
        await send(broker_settings, [*stream(0, EACH), *ends])
        await caught_up(broker_settings, "text")
    sessions = by_session(await observed(broker_settings.kafka))
    assert len(sessions) == SESSIONS
    for answers in sessions.values():
        assert [seq for _, seq in answers] == list(range(EACH + 1))
        assert len({partition for partition, _ in answers}) == 1
    assert await letters(broker_settings.kafka) == []


async def test_observations_lie_in_the_partition_of_their_input(broker_settings):
    async with Publisher(broker_settings.kafka) as publisher:
        for partition in range(PARTITIONS):
            await publisher.send_many([said("a", f"p{partition}", n) for n in range(9)], partition=partition)
    async with working(broker_settings, Words()):
        await caught_up(broker_settings, "text")
    for partition, observation in await observed(broker_settings.kafka):
        assert observation.session_id == f"p{partition}"


async def test_a_worker_that_comes_after_another_has_left_goes_on_where_it_stopped(broker_settings):
    async with working(broker_settings, Words()):
        await send(broker_settings, stream(0, 10))
        await caught_up(broker_settings, "text")
    await send(broker_settings, stream(10, 20))
    async with working(broker_settings, Words()):
        await caught_up(broker_settings, "text")
    for answers in by_session(await observed(broker_settings.kafka)).values():
        assert [seq for _, seq in answers] == list(range(20))


async def test_a_stop_in_the_middle_leaves_nothing_unanswered_and_nothing_answered_twice(broker_settings):
    await send(broker_settings, stream(0, EACH))
    for _ in range(3):
        async with working(broker_settings, Words()) as stop:
            await behind_at_most(broker_settings, "text", SESSIONS * EACH - 1)
            stop.set()
    async with working(broker_settings, Words()):
        await caught_up(broker_settings, "text")
    for answers in by_session(await observed(broker_settings.kafka)).values():
        assert [seq for _, seq in answers] == list(range(EACH))


async def test_workers_that_join_and_leave_lose_nothing_and_first_answers_stay_in_order(broker_settings):
    async with asyncio.TaskGroup() as tasks, working(broker_settings, Words()):
        tasks.create_task(send_slowly(broker_settings))
        for _ in range(2):
            async with working(broker_settings, Words(), Words()):
                await send(broker_settings, [said("x", "other", 0)])
                await caught_up(broker_settings, "text")
    async with working(broker_settings, Words()):
        await caught_up(broker_settings, "text")
    sessions = by_session(await observed(broker_settings.kafka))
    assert sessions.pop("other")
    assert len(sessions) == SESSIONS
    for answers in sessions.values():
        assert list(dict.fromkeys(seq for _, seq in answers)) == list(range(EACH))


async def send_slowly(settings):
    async with Publisher(settings.kafka) as publisher:
        for seq in range(EACH):
            await publisher.send_many(stream(seq, seq + 1))


async def test_a_backlog_is_answered_in_few_records(broker_settings):
    await send(broker_settings, stream(0, EACH))
    async with working(broker_settings, Words()):
        await caught_up(broker_settings, "text")
    records = await read_all(broker_settings.kafka, PROBABILITIES)
    sizes = [len(record.items) for _, record in records if isinstance(record, Observations)]
    assert sum(sizes) == SESSIONS * EACH
    assert max(sizes) > 1
