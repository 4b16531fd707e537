"""Kafka when things go wrong: lost records, old recordings, stalls, refusals, a broker that dies."""

import asyncio
import time

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete
from support.kafka_server import PASSWORD, USER
from support.kafka_texts import GROUP, TEXTS, read, utterance
from support.served import served

from affectstream.runtime.kafka import Publisher, Subscriber, topics
from affectstream.runtime.kafka.gathering import GatheringPublisher
from affectstream.runtime.kafka.lag import lag
from affectstream.runtime.settings import KafkaSettings
from affectstream.schemas.codec import encode
from affectstream.schemas.errors import Unavailable
from affectstream.schemas.topics import KIB, PARTITIONS, TRANSCRIPTS

pytestmark = pytest.mark.integration


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
        before = await served("affect_records_lost_total")
        async with Subscriber(kafka, [TEXTS], GROUP) as subscriber:
            assert [r.offset for r in await read(subscriber, 3)] == [7, 8, 9]
        assert await served("affect_records_lost_total") == before + 3


async def test_a_missing_topic_and_a_missing_broker_are_told_apart(kafka_server, topic_prefix, monkeypatch):
    monkeypatch.setattr(topics, "VISIBLE_TIMEOUT_S", 1)  # another process might just be creating them
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
    async with (
        Publisher(kafka) as publisher,
        GatheringPublisher(kafka, 512 * KIB) as gathering,
        Subscriber(kafka, [TEXTS], GROUP) as subscriber,
    ):
        await publisher.send_many([utterance(i) for i in range(5)], partition=0)
        records = await read(subscriber, 5)
        await (await gathering.send(utterance(0), partition=1))
        await read(subscriber, 1)
        await asyncio.to_thread(kafka_server.kill)
        pending = await publisher.send(utterance(5), partition=0)
        rows = [(b"s1", encode(utterance(seq)), 1, "") for seq in (6, 7)]
        encoded = asyncio.create_task(publisher.send_encoded(TRANSCRIPTS, 0, rows))
        gathered = asyncio.create_task(gathering.send_many([utterance(i) for i in range(20)], partition=1))
        assert await subscriber.get(1, 300) == []
        await asyncio.to_thread(kafka_server.start)
        await pending
        await encoded
        await gathered
        found = await read(subscriber, 23, timeout_s=60)
        assert [r.offset for r in found if r.partition == 1] == list(range(1, 21))
        records += [r for r in found if r.partition == 0]
        await subscriber.commit({(TEXTS, 0): 8})
        assert (await lag(kafka, TEXTS, GROUP))[0] == 0
    assert [r.offset for r in records][:5] == [0, 1, 2, 3, 4]
    assert [r.offset for r in records][-2:] == [6, 7]


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
        time.sleep(2.5)  # noqa: ASYNC251  # this is the stall
        await subscriber.commit({(TEXTS, 1): 5})
        again = await read(subscriber, 10)
        assert len(revoked) == 1
        assert [r.offset for r in again] == list(range(10))
        await subscriber.commit({(TEXTS, 1): 10})
        assert (await lag(kafka, TEXTS, GROUP))[1] == 0
