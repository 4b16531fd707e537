"""Publisher, subscriber and lag on a real broker."""

import asyncio
import time
from collections.abc import Callable
from contextlib import AsyncExitStack

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete
from support.kafka_server import PASSWORD, USER

from runtime import topics
from runtime.groups import KafkaSettings
from runtime.kafka import Publisher, Record, Subscriber
from runtime.lag import LagMeter, lag
from schemas.codec import decode
from schemas.errors import TooLarge, Unavailable
from schemas.messages import DeadLetter, EndOfStream, Observations, Transcript
from schemas.topics import DEAD_LETTERS, PARTITIONS, PROBABILITIES, TRANSCRIPTS

pytestmark = pytest.mark.integration
TEXTS = TRANSCRIPTS.name
GROUP = "affect-text"


def utterance(
    seq: int, session_id: str = "s1", at_ms: int = 1_700_000_000_000, text: str = "yes"
) -> Transcript:
    start = at_ms + seq * 1000
    return Transcript(
        session_id=session_id,
        party="customer",
        seq=seq,
        start_ms=start,
        end_ms=start + 500,
        settled_ms=start + 500,
        expects=("text",),
        text=text,
    )


def spread(sessions: int, each: int) -> list[Transcript]:
    """Utterances of so many sessions that every partition has some."""
    return [utterance(seq, f"s{n}") for seq in range(each) for n in range(sessions)]


async def read(subscriber: Subscriber, count: int, timeout_s: float = 30) -> list[Record]:
    records: list[Record] = []
    deadline = time.monotonic() + timeout_s
    while len(records) < count and time.monotonic() < deadline:
        records += await subscriber.get(count - len(records), 200)
    return records


async def until(condition: Callable[[], bool], *members: Subscriber, timeout_s: float = 30) -> list[Record]:
    """Keep the members reading until ``condition`` holds."""
    records: list[Record] = []
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "the group did not come to rest"
        for member in members:
            records += await member.get(100, 50)
    return records


async def test_everything_sent_is_read_in_order_per_partition_and_session(kafka):
    sent = spread(sessions=40, each=6)
    async with Publisher(kafka) as publisher, Subscriber(kafka, [TEXTS], GROUP) as subscriber:
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
        await one.commit({partition: 3 for partition in two.assigned()})
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


async def test_observations_go_to_the_partition_of_their_inputs(kafka):
    stream = EndOfStream(**utterance(3).envelope())
    async with (
        Publisher(kafka) as publisher,
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


async def test_a_message_over_its_topics_limit_is_refused_before_it_is_sent(kafka):
    async with Publisher(kafka) as publisher:
        with pytest.raises(TooLarge, match=r"affect\.text\.transcripts allows 65536"):
            await publisher.send(utterance(0, text="x" * 70_000))


async def test_many_records_at_once_stay_below_the_topics_batch_limit(kafka):
    sent = [utterance(i, text="x" * 30_000) for i in range(60)]
    async with Publisher(kafka) as publisher, Subscriber(kafka, [TEXTS], GROUP) as subscriber:
        await publisher.send_many(sent)
        assert len(await read(subscriber, len(sent))) == len(sent)


async def test_a_recording_of_years_ago_is_not_deleted_on_arrival(kafka):
    """Beside a topic that counts retention from event time, whose records go as soon as the broker looks."""
    old_ms = 1_000_000_000_000
    control = TopicPartition(kafka.topic_prefix + "control", 0)
    retention = {"retention.ms": str(TRANSCRIPTS.retention_ms), "message.timestamp.type": "CreateTime"}
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(control.topic, 1, 1, topic_configs=retention)])
    await admin.close()
    async with Publisher(kafka) as publisher, Subscriber(kafka, [TEXTS], GROUP) as subscriber:
        await publisher.send_many([utterance(i, at_ms=old_ms) for i in range(50)])
        await gone(kafka, control, old_ms)
        records = await read(subscriber, 50)
    assert len(records) == 50
    assert min(r.timestamp_ms for r in records) > 1_700_000_000_000


async def gone(kafka: KafkaSettings, control: TopicPartition, timestamp_ms: int) -> None:
    """Send a record with an old time and return once the broker has deleted it."""
    producer = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap)
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka.bootstrap)
    await producer.start()
    await consumer.start()
    await producer.send_and_wait(control.topic, b"x", timestamp_ms=timestamp_ms)
    deadline = time.monotonic() + 60
    while (await consumer.beginning_offsets([control]))[control] == 0:
        assert time.monotonic() < deadline, "the broker's retention has not run"
        await asyncio.sleep(0.1)
    await producer.stop()
    await consumer.stop()


async def test_records_that_the_broker_dropped_are_counted_and_reading_goes_on(kafka):
    async with Publisher(kafka) as publisher:
        await publisher.send_many([utterance(i) for i in range(10)], partition=1)
        async with Subscriber(kafka, [TEXTS], GROUP) as subscriber:
            await read(subscriber, 10)
            await subscriber.commit({(TEXTS, 1): 4})
        admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
        await admin.start()
        await admin.delete_records({TopicPartition(kafka.topic_prefix + TEXTS, 1): RecordsToDelete(7)})
        await admin.close()
        async with Subscriber(kafka, [TEXTS], GROUP) as subscriber:
            assert [r.offset for r in await read(subscriber, 3)] == [7, 8, 9]


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


async def test_a_missing_topic_and_a_missing_broker_are_told_apart(kafka_server, topic_prefix):
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1:1: it does not answer.*kafka\.bootstrap"):
        async with Publisher(KafkaSettings(bootstrap="127.0.0.1:1")):
            pass
    missing = KafkaSettings(bootstrap=kafka_server.bootstrap, topic_prefix=topic_prefix)
    with pytest.raises(Unavailable, match="affectstream topics create"):
        async with Subscriber(missing, [TEXTS], GROUP):
            pass


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-512", "PLAIN"])
async def test_tls_with_a_password_works_end_to_end(kafka, kafka_server, mechanism):
    secure = KafkaSettings(
        bootstrap=kafka_server.secure_bootstrap,
        security_protocol="SASL_SSL",
        sasl_mechanism=mechanism,
        sasl_username=USER,
        sasl_password=PASSWORD,
        ssl_cafile=kafka_server.cafile,
        topic_prefix=kafka.topic_prefix,
    )
    assert await topics.check(secure) == PARTITIONS
    async with Publisher(secure) as publisher, Subscriber(secure, [TEXTS], GROUP) as subscriber:
        await publisher.send_many([utterance(0)])
        assert len(await read(subscriber, 1)) == 1


async def test_a_wrong_password_is_said_plainly_and_not_repeated(kafka_server):
    wrong = KafkaSettings(
        bootstrap=kafka_server.secure_bootstrap,
        security_protocol="SASL_SSL",
        sasl_username=USER,
        sasl_password="wrong-staple",
        ssl_cafile=kafka_server.cafile,
    )
    with pytest.raises(Unavailable) as refused:
        async with Publisher(wrong):
            pass
    assert "wrong-staple" not in str(refused.value)


async def test_reading_and_sending_survive_a_broker_that_dies_and_comes_back(kafka, kafka_server):
    async with Publisher(kafka) as publisher, Subscriber(kafka, [TEXTS], GROUP) as subscriber:
        await publisher.send_many([utterance(i) for i in range(5)], partition=0)
        records = await read(subscriber, 5)
        await asyncio.to_thread(kafka_server.kill)
        pending = await publisher.send(utterance(5), partition=0)
        assert await subscriber.get(1, 300) == []
        await asyncio.to_thread(kafka_server.start)
        await pending
        records += await read(subscriber, 1, timeout_s=60)
        await subscriber.commit({(TEXTS, 0): 6})
        assert (await lag(kafka, TEXTS, GROUP))[0] == 0
    assert [r.offset for r in records][:5] == [0, 1, 2, 3, 4]
    assert records[-1].offset == 5


async def test_a_member_whose_loop_stood_still_comes_back_and_commits_nothing_stale(kafka):
    """A stall past the session timeout: the group has given the partitions away, and gives them back."""
    short = kafka.model_copy(update={"session_timeout_ms": 1000})
    revoked: list[frozenset[tuple[str, int]]] = []
    async with (
        Publisher(kafka) as publisher,
        Subscriber(short, [TEXTS], GROUP, on_revoked=revoked.append) as subscriber,
    ):
        await publisher.send_many([utterance(i) for i in range(10)], partition=1)
        await read(subscriber, 10)
        time.sleep(4)  # noqa: ASYNC251  # this is the stall
        await subscriber.commit({(TEXTS, 1): 5})
        again = await read(subscriber, 10)
        assert len(revoked) == 1
        assert [r.offset for r in again] == list(range(10))
        await subscriber.commit({(TEXTS, 1): 10})
        assert (await lag(kafka, TEXTS, GROUP))[1] == 0


async def test_another_producers_records_without_key_or_value_are_read_too(kafka):
    producer = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap)
    await producer.start()
    await producer.send_and_wait(kafka.topic_prefix + TEXTS, None, key=b"k", partition=0)
    await producer.send_and_wait(kafka.topic_prefix + TEXTS, b"\xff", partition=0)
    await producer.stop()
    async with Subscriber(kafka, [TEXTS], GROUP) as subscriber:
        assert [(r.key, r.value) for r in await read(subscriber, 2)] == [(b"k", b""), (None, b"\xff")]
