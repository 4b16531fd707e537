"""Publisher, subscriber and lag on a real broker."""

from functools import partial

import pytest
from aiokafka import AIOKafkaProducer
from support.kafka_texts import GROUP, TEXTS, read, spread, until, utterance

from affectstream.runtime.kafka import Publisher, Subscriber
from affectstream.runtime.kafka.gathering import GatheringPublisher
from affectstream.runtime.kafka.lag import LagMeter
from affectstream.schemas.codec import decode
from affectstream.schemas.errors import TooLarge
from affectstream.schemas.messages import DeadLetter, EndOfStream, Observations
from affectstream.schemas.topics import DEAD_LETTERS, KIB, PARTITIONS, PROBABILITIES, TRANSCRIPTS

pytestmark = pytest.mark.integration


PUBLISHERS = [Publisher, partial(GatheringPublisher, batch_bytes=512 * KIB)]


@pytest.mark.parametrize("made", PUBLISHERS)
async def test_everything_sent_is_read_in_order_per_partition_and_session(kafka, made):
    sent = spread(sessions=40, each=6)
    async with made(kafka) as publisher, Subscriber(kafka, [TEXTS], GROUP) as subscriber:
        await publisher.send_many(sent)
        records = await read(subscriber, len(sent))
        assert subscriber.assigned() == {(TEXTS, p) for p in range(PARTITIONS)}
    assert len({r.partition for r in records}) == PARTITIONS
    for session in {m.session_id for m in sent}:
        mine = [decode(r.value, TRANSCRIPTS.max_bytes) for r in records if r.key == session.encode()]
        assert mine == [m for m in sent if m.session_id == session]


async def test_a_busy_partition_does_not_hide_the_others(kafka):
    async with (
        Publisher(kafka) as publisher,
        Subscriber(kafka, [TEXTS], GROUP) as subscriber,
        LagMeter(kafka) as meter,
    ):
        await publisher.send_many([utterance(i) for i in range(1000)], partition=0)
        for partition in (1, 2, 3):
            await publisher.send_many([utterance(i) for i in range(5)], partition=partition)
        counts = [0] * PARTITIONS
        while sum(counts[1:]) < 15:
            for record in await subscriber.get(8, 200):
                counts[record.partition] += 1
            await meter.lag(TEXTS, GROUP)  # a worker's other work, while fetches arrive
        assert counts[0] < 500


async def test_a_new_member_goes_on_where_the_last_commit_stood(kafka):
    async with Publisher(kafka) as publisher:
        await publisher.send_many([utterance(i) for i in range(10)], partition=2)
    async with Subscriber(kafka, [TEXTS], GROUP) as subscriber:
        await read(subscriber, 10)
        await subscriber.commit({(TEXTS, 2): 7})
    async with Subscriber(kafka, [TEXTS], GROUP) as subscriber:
        again = await read(subscriber, 3)
        assert [r.offset for r in again] == [7, 8, 9]
        assert await subscriber.get(1, 100) == []


@pytest.mark.parametrize("made", PUBLISHERS)
async def test_observations_go_to_the_partition_of_their_inputs(kafka, made):
    stream = EndOfStream(**utterance(3).envelope())
    async with (
        made(kafka) as publisher,
        Subscriber(kafka, [PROBABILITIES.name, DEAD_LETTERS.name], "affect-fusion") as subscriber,
    ):
        with pytest.raises(ValueError, match="partition"):
            await publisher.send(Observations(items=(stream,)))
        await (await publisher.send(Observations(items=(stream,)), partition=3))
        letter = DeadLetter(
            reason="malformed",
            detail="",
            topic=TEXTS,
            partition=1,
            offset=5,
            timestamp_ms=-1,
            body=b"x" * 900_000,
            body_size=900_000,
        )
        await (await publisher.send(letter))
        records = {r.topic: r for r in await read(subscriber, 2)}
    assert records[PROBABILITIES.name].partition == 3
    assert decode(records[DEAD_LETTERS.name].value, DEAD_LETTERS.max_bytes) == letter


@pytest.mark.parametrize("made", PUBLISHERS)
async def test_a_message_over_its_topics_limit_is_refused_before_it_is_sent(kafka, made):
    async with made(kafka) as publisher:
        with pytest.raises(TooLarge, match=r"affect\.text\.transcripts allows 65536"):
            await publisher.send(utterance(0, text="x" * 70_000))


@pytest.mark.parametrize("made", PUBLISHERS)
async def test_many_records_at_once_stay_below_the_topics_batch_limit(kafka, made):
    """By their texts, or by what each has beside its text."""
    sent = [utterance(i, text="x" * (30_000 if i < 60 else 1)) for i in range(2060)]
    async with made(kafka) as publisher, Subscriber(kafka, [TEXTS], GROUP) as subscriber:
        await publisher.send_many(sent)
        assert len(await read(subscriber, len(sent))) == len(sent)


async def test_encoded_rows_go_to_their_partition_in_order_with_key_and_time(kafka):
    """Two thousand rows are many batches; the last two are as large as the topic allows."""
    rows = [(b"s%d" % (n % 7), b"%d" % n * 50, 1_700_000_000_000 + n, "two") for n in range(2000)]
    rows += [(b"large", bytes(TRANSCRIPTS.max_bytes), 5, ""), (None, bytes(TRANSCRIPTS.max_bytes), 6, "")]
    async with Publisher(kafka) as publisher, Subscriber(kafka, [TEXTS], GROUP) as subscriber:
        await publisher.send_encoded(TRANSCRIPTS, 3, rows)
        await publisher.send(utterance(1), partition=3)
        await publisher.send_encoded(TRANSCRIPTS, 3, [])
        records = await read(subscriber, len(rows) + 1)
    assert [r.offset for r in records] == list(range(len(rows) + 1))
    assert {r.partition for r in records} == {3}
    assert [(r.key, r.value, r.run) for r in records[:-1]] == [
        (key, value, run) for key, value, _, run in rows
    ]


async def test_a_row_over_its_topics_limit_is_refused_and_none_is_sent(kafka):
    rows = [(b"s1", b"fits", 1, ""), (b"s1", bytes(TRANSCRIPTS.max_bytes + 1), 2, "")]
    async with Publisher(kafka) as publisher, LagMeter(kafka) as meter:
        with pytest.raises(TooLarge, match=r"affect\.text\.transcripts allows"):
            await publisher.send_encoded(TRANSCRIPTS, 0, rows)
        assert sum((await meter.lag(TEXTS, GROUP)).values()) == 0


async def test_lag_is_what_is_not_committed_and_asking_disturbs_nobody(kafka):
    revoked: list[frozenset[tuple[str, int]]] = []
    async with (
        Publisher(kafka) as publisher,
        Subscriber(kafka, [TEXTS], GROUP, on_revoked=revoked.append) as subscriber,
        LagMeter(kafka) as meter,
    ):
        await publisher.send_many([utterance(i) for i in range(10)], partition=1)
        assert await meter.lag(TEXTS, GROUP) == {0: 0, 1: 10, 2: 0, 3: 0}
        await read(subscriber, 10)
        await subscriber.commit({(TEXTS, 1): 6})
        assert await meter.lag(TEXTS, GROUP) == {0: 0, 1: 4, 2: 0, 3: 0}
        assert await meter.lag(TEXTS, "a group that nobody knows") == {0: 0, 1: 10, 2: 0, 3: 0}
        assert await meter.lag("no.such.topic", GROUP) == {}
        await until(lambda: True, subscriber)
    assert revoked == []


async def test_paused_partitions_rest_and_lose_nothing(kafka):
    async with Publisher(kafka) as publisher, Subscriber(kafka, [TEXTS], GROUP) as subscriber:
        for partition in range(PARTITIONS):
            await publisher.send_many([utterance(i) for i in range(5)], partition=partition)
        subscriber.pause([(TEXTS, 0), (TEXTS, 1)])
        records = await read(subscriber, 10)
        assert {r.partition for r in records} == {2, 3}
        subscriber.pause([(TEXTS, 2), (TEXTS, 3)])
        assert await subscriber.get(10, 100) == []
        subscriber.resume([(TEXTS, p) for p in range(PARTITIONS)])
        records += await read(subscriber, 10)
    assert sorted((r.partition, r.offset) for r in records) == [(p, n) for p in range(4) for n in range(5)]


async def test_another_producers_records_without_key_or_value_are_read_too(kafka):
    producer = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap)
    await producer.start()
    await producer.send_and_wait(kafka.topic_prefix + TEXTS, None, key=b"k", partition=0)
    await producer.send_and_wait(kafka.topic_prefix + TEXTS, b"\xff", partition=0)
    await producer.stop()
    async with Subscriber(kafka, [TEXTS], GROUP) as subscriber:
        assert [(r.key, r.value) for r in await read(subscriber, 2)] == [(b"k", b""), (None, b"\xff")]
