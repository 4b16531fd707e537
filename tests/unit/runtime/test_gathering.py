"""Messages gathered into batches, before a producer that takes them when the test says so."""

import asyncio

import pytest
from aiokafka.errors import KafkaTimeoutError
from aiokafka.producer.message_accumulator import BatchBuilder
from support.kafka_texts import utterance

from affectstream.runtime.kafka.gathering import GATHER_S, GatheringPublisher
from affectstream.runtime.kafka.publisher import largest_batch
from affectstream.runtime.settings import KafkaSettings
from affectstream.schemas.codec import decode
from affectstream.schemas.errors import Unavailable
from affectstream.schemas.topics import KIB, PARTITIONS, TRANSCRIPTS


class Producer:
    """Takes batches while it is ``open``; ``fail`` is raised in place of the next one."""

    def __init__(self):
        self.sent, self.acks, self.fail, self.asked = [], [], None, 0
        self.open = asyncio.Event()
        self.open.set()

    async def partitions_for(self, name):
        return set(range(PARTITIONS))

    def create_batch(self):
        return BatchBuilder(512 * KIB, 0)

    async def send_batch(self, batch, name, *, partition):
        self.asked += 1
        await self.open.wait()
        if self.fail is not None:
            error, self.fail = self.fail, None
            raise error
        batch.close()
        self.sent.append((partition, batch.record_count(), len(batch._build())))
        self.acks.append(asyncio.get_running_loop().create_future())
        return self.acks[-1]

    async def stop(self):
        pass


@pytest.fixture
async def publisher():
    made = GatheringPublisher(KafkaSettings(), 512 * KIB)
    made._producer = Producer()
    return made


async def until(condition):
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0)


def at_rest(publisher):
    return not any(each.rows or each.sending for each in publisher._waiting.values())


async def settled():
    """Let all go on that waits for nothing from outside."""
    for _ in range(100):
        await asyncio.sleep(0)


async def sent(publisher, count, text="yes", session="s1"):
    return [await publisher.send(utterance(seq, session, text=text)) for seq in range(count)]


async def test_messages_of_about_the_same_time_go_as_one_batch_a_partition(publisher):
    acks = [await publisher.send(utterance(0, f"s{n}")) for n in range(40)]
    assert not publisher._producer.sent
    await until(lambda: at_rest(publisher))
    found = publisher._producer.sent
    assert {partition for partition, *_ in found} == set(range(PARTITIONS))
    assert len(found) == PARTITIONS and sum(count for _, count, _ in found) == 40
    assert not any(ack.done() for ack in acks)
    for ack in publisher._producer.acks:
        ack.set_result(None)
    await asyncio.gather(*acks)


@pytest.mark.parametrize("text", ["x" * 30_000, "x"])
async def test_while_a_batch_is_not_taken_one_more_waits_and_no_other(publisher, text):
    """Neither is larger than the topic allows, by the texts or by what each message has beside it."""
    producer = publisher._producer
    producer.open.clear()
    sending = asyncio.create_task(sent(publisher, 2000, text))
    await until(lambda: producer.asked)
    await settled()
    (waiting,) = publisher._waiting.values()
    held = len(waiting.rows)
    assert waiting._size <= largest_batch(TRANSCRIPTS) and not sending.done()
    await settled()
    assert len(waiting.rows) == held and producer.asked == 1
    producer.open.set()
    acks = await asyncio.wait_for(sending, 20)
    await until(lambda: at_rest(publisher))
    assert len(acks) == sum(count for _, count, _ in producer.sent) == 2000
    assert max(size for *_, size in producer.sent) <= largest_batch(TRANSCRIPTS)


async def test_messages_of_a_session_keep_their_order(publisher):
    built, producer = [], publisher._producer
    create = producer.create_batch

    def noted():
        batch = create()
        append = batch.append
        batch.append = lambda **record: (built.append(record["value"]), append(**record))[1]
        return batch

    producer.create_batch = noted
    await sent(publisher, 500, "x" * 1000)
    await until(lambda: at_rest(publisher))
    seqs = [decode(value, TRANSCRIPTS.max_bytes).seq for value in built]
    assert list(dict.fromkeys(seqs)) == list(range(500))


async def test_those_of_a_batch_that_fails_are_told_and_the_next_ones_go_on(publisher):
    producer = publisher._producer
    producer.fail = KafkaTimeoutError()
    first = await sent(publisher, 3)
    await until(lambda: at_rest(publisher))
    second = await sent(publisher, 2)
    await until(lambda: producer.acks)
    producer.acks[0].set_exception(KafkaTimeoutError())
    third = await sent(publisher, 1)
    await until(lambda: len(producer.acks) == 2)
    producer.acks[1].set_result(None)
    for ack in (*first, *second):
        with pytest.raises(Unavailable, match="Kafka broker"):
            await ack
    await asyncio.gather(*third)


async def test_a_message_whose_sender_gave_up_waiting_for_room_is_not_sent(publisher):
    producer = publisher._producer
    producer.open.clear()
    await sent(publisher, 1)
    await until(lambda: producer.asked)
    large = utterance(1, text="x" * 60_000)
    await publisher.send(large)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(GATHER_S):
            await publisher.send(large)
    producer.open.set()
    await until(lambda: at_rest(publisher))
    assert [count for _, count, _ in producer.sent] == [1, 1]


async def test_at_the_end_what_is_gathered_is_sent(publisher):
    await sent(publisher, 3)
    await publisher.__aexit__(None, None, None)
    assert [count for _, count, _ in publisher._producer.sent] == [3]
