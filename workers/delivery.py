"""Publish what a batch led to, await the acknowledgements, then commit."""

import asyncio
from collections.abc import Awaitable, Collection, Iterator, Sequence
from typing import Protocol

from affectstream.runtime import metrics
from affectstream.schemas.codec import Message, encode
from affectstream.schemas.messages import Abstention, Observation, Observations
from affectstream.schemas.topics import PROBABILITIES, SHADOW, Topic
from affectstream.workers.deadletter import dead_letter, report
from affectstream.workers.observe import Failure, Outcome
from affectstream.workers.queue import Item


class Publishes(Protocol):
    """What is needed of ``affectstream.runtime.kafka.Publisher``."""

    async def send(
        self, message: Message, *, partition: int | None = None, run: str = "", topic: Topic | None = None
    ) -> Awaitable[object]:
        """Enqueue ``message``; what is returned resolves when the broker has acknowledged it."""


class Commits(Protocol):
    """What is needed of ``affectstream.runtime.kafka.Subscriber`` to commit."""

    async def commit(self, offsets: dict[tuple[str, int], int]) -> None:
        """Store the next offset to read of each (topic, partition)."""


Done = tuple[Item, Outcome | Failure]


async def deliver(
    batch: Sequence[Done], publisher: Publishes, subscriber: Commits, shadow: bool = False
) -> None:
    """Publish ``batch``, and commit only after every record and dead letter of it is acknowledged.

    What belongs to a partition that was taken away is dropped: whoever has it now reads it again. In shadow
    the observations go where no fusion reads, and dead letters are left to the worker in use.
    """
    held = [(item, result) for item, result in batch if not item.offsets.lost]
    failures = () if shadow else _failures(held)
    letters = [dead_letter(item.record, failure.reason, failure.detail) for item, failure in failures]
    topic = SHADOW if shadow else PROBABILITIES
    acks = [
        await publisher.send(observations, partition=partition, topic=topic)
        for partition, observations in _observations(held)
    ]
    acks += [await publisher.send(letter) for letter in letters]
    await asyncio.gather(*acks)
    offsets = _processed([item for item, _ in held])
    if offsets:
        await subscriber.commit(offsets)
    for letter in letters:
        report(letter)


def count(worker: str, batch: Collection[Done]) -> None:
    """Count the observations of a batch of ``worker`` by type, abstentions by their reason."""
    for _, result in batch:
        if isinstance(result, Outcome):
            observation = result.observation
            state = observation.reason if isinstance(observation, Abstention) else observation.type
            metrics.OBSERVATIONS.labels(worker, str(state)).inc()


def _failures(batch: Collection[Done]) -> list[tuple[Item, Failure]]:
    found = [(item, result.failure if isinstance(result, Outcome) else result) for item, result in batch]
    return [(item, failure) for item, failure in found if failure is not None]


def _observations(batch: Sequence[Done]) -> Iterator[tuple[int, Observations]]:
    """Yield one record per input partition, its items in input order; more where one would be too large."""
    by_partition: dict[int, list[Observation]] = {}
    for item, result in batch:
        if isinstance(result, Outcome):
            by_partition.setdefault(item.record.partition, []).append(result.observation)
    for partition, items in by_partition.items():
        for record in split(items, PROBABILITIES.max_bytes):
            yield partition, record


def split(items: Sequence[Observation], max_bytes: int) -> list[Observations]:
    """Return ``items`` in as few halvings as make every record's bytes fit; one item alone is never split."""
    whole = Observations(items=tuple(items))
    if len(items) == 1 or len(encode(whole)) <= max_bytes:
        return [whole]
    middle = len(items) // 2
    return split(items[:middle], max_bytes) + split(items[middle:], max_bytes)


def _processed(items: Sequence[Item]) -> dict[tuple[str, int], int]:
    offsets = {}
    for item in items:
        next_offset = None if item.offsets.lost else item.offsets.processed(item.record.offset)
        if next_offset is not None:
            offsets[item.record.topic, item.record.partition] = next_offset
    return offsets
