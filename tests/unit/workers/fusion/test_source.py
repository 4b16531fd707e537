"""The inbox between faust's fetches and the agent: each record once, nothing from before a rebalance."""

import asyncio
from types import SimpleNamespace

from aiokafka import TopicPartition

from affectstream.workers.fusion.source import Inbox


def fetch(**offsets):
    """A fetch by partition: ``p0=(1, 3)`` are the offsets 1 to 3 of partition 0."""
    return {
        TopicPartition("t", int(name[1:])): [SimpleNamespace(offset=n) for n in range(first, last + 1)]
        for name, (first, last) in offsets.items()
    }


def put(inbox, records, epoch=0):
    return inbox.put((epoch, records))


def offsets(batch):
    return {partition: [record.offset for record in records] for partition, records in batch.items()}


async def test_a_fetch_is_handed_over_whole():
    inbox = Inbox()
    await put(inbox, fetch(p0=(5, 9), p3=(0, 1)))
    assert offsets(await inbox.get()) == {0: [5, 6, 7, 8, 9], 3: [0, 1]}


async def test_what_a_seek_reads_twice_is_handed_over_once():
    inbox = Inbox()
    await put(inbox, fetch(p0=(5, 9)))
    await inbox.get()
    await put(inbox, fetch(p0=(5, 8)))
    seen = asyncio.create_task(inbox.get())
    await put(inbox, fetch(p0=(8, 11)))
    assert offsets(await seen) == {0: [10, 11]}


async def test_fetches_from_before_a_rebalance_are_dropped():
    inbox = Inbox()
    await put(inbox, fetch(p0=(5, 9)))
    waiting = asyncio.create_task(put(inbox, fetch(p0=(10, 19))))
    await asyncio.sleep(0)
    inbox.begin(1)
    seen = asyncio.create_task(inbox.get())
    await waiting
    await put(inbox, fetch(p0=(3, 4)), epoch=1)
    assert offsets(await seen) == {0: [3, 4]}


async def test_a_fetch_of_the_new_assignment_counts_though_it_was_asked_for_before():
    """The consumer's thread tags what it returns; nothing else may drop it, as nothing reads it again."""
    inbox = Inbox()
    inbox.begin(1)
    await put(inbox, fetch(p0=(0, 9)), epoch=1)
    assert offsets(await inbox.get()) == {0: list(range(10))}


async def test_one_fetch_waits_and_the_next_stays_with_the_consumer():
    inbox = Inbox()
    await put(inbox, fetch(p0=(0, 0)))
    second = asyncio.create_task(put(inbox, fetch(p0=(1, 1))))
    await asyncio.sleep(0)
    assert not second.done()
    await inbox.get()
    await second


async def test_only_offsets_that_were_handed_over_since_the_rebalance_may_be_committed():
    inbox = Inbox()
    await put(inbox, fetch(p0=(5, 9)))
    await inbox.get()
    assert [n for n in range(12) if inbox.covers(0, n)] == [5, 6, 7, 8, 9, 10]
    assert not inbox.covers(1, 5)
    inbox.begin(1)
    assert not inbox.covers(0, 7)
