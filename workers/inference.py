"""The inference loop of every modality: fetch, batch, predict in a thread, publish, commit.

Three tasks hand work on: ``_fetch`` fills the queue while ``_predict`` computes on one batch and ``_publish``
awaits the acknowledgements of the one before. Each waits for the next one when that is full, and partitions
with enough waiting are paused. A batch is what waits when the model is free, so a lone input never waits for
others, and no input waits for more than a batch. No state outlives a batch.
"""

import asyncio
import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

from affectstream.runtime import metrics
from affectstream.runtime.clocks import wall_ms
from affectstream.runtime.consent import Consents
from affectstream.runtime.kafka import Record
from affectstream.runtime.settings import WorkerSettings
from affectstream.schemas.messages import EndOfStream, Media, Modality, Reason
from affectstream.schemas.topics import IN_SHADOW
from affectstream.workers.delivery import Commits, Done, Publishes, count, deliver
from affectstream.workers.observe import Analyst, Failure, Outcome, observe
from affectstream.workers.queue import InputQueue, Item, Partition

POLL_MS = 100  # how long a fetch waits for records: bounds the time until a stop is seen
FULL_BATCHES = 4  # a partition with this many batches waiting is paused


class Fetches(Commits, Protocol):
    """What is needed of ``affectstream.runtime.kafka.Subscriber``."""

    async def get(self, max_records: int, timeout_ms: int) -> list[Record]:
        """Return what has arrived, fair over partitions; empty after the timeout."""

    def pause(self, partitions: Collection[Partition]) -> None:
        """Fetch nothing more from ``partitions``."""

    def resume(self, partitions: Collection[Partition]) -> None:
        """Fetch again from ``partitions``."""

    def assigned(self) -> set[Partition]:
        """Return the partitions held now."""


class Inference:
    """One worker's loop over one topic."""

    def __init__(
        self,
        analyst: Analyst[Any],
        queue: InputQueue,
        subscriber: Fetches,
        publisher: Publishes,
        settings: WorkerSettings,
        agent_purpose: str | None = None,
        wall_ms: Callable[[], int] = wall_ms,
        consents: Consents | None = None,
    ) -> None:
        self._analyst, self._queue, self._subscriber, self._publisher = analyst, queue, subscriber, publisher
        self._settings, self._agent_purpose, self._wall_ms = settings, agent_purpose, wall_ms
        self._consents = consents
        self._name = name(analyst.modality, settings)
        self._fetched_s = time.monotonic()
        self._changed = asyncio.Event()
        self._draining = False
        self._done: asyncio.Queue[list[Done] | None] = asyncio.Queue(settings.in_flight)

    async def run(self, stop: asyncio.Event) -> None:
        """Work until ``stop`` is set, then finish, publish and commit what was fetched."""
        with ThreadPoolExecutor(1, f"{self._name}-model") as thread:
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._fetch(stop))
                    group.create_task(self._predict(thread))
                    group.create_task(self._publish())
            except ExceptionGroup as failures:
                raise failures.exceptions[0] from None

    def idle_s(self) -> float:
        """Return the seconds since the last answer of the broker to a fetch, records or none."""
        return time.monotonic() - self._fetched_s

    async def _fetch(self, stop: asyncio.Event) -> None:
        inputs = metrics.INPUTS.labels(self._name)
        while not stop.is_set():
            records = await self._subscriber.get(self._settings.batch_rows, POLL_MS)
            for record in records:
                self._queue.add(record)
            inputs.inc(len(records))
            self._fetched_s = time.monotonic()
            self._steer()
            self._changed.set()
        self._draining = True
        self._changed.set()

    async def _predict(self, thread: ThreadPoolExecutor) -> None:
        loop, in_flight = asyncio.get_running_loop(), metrics.IN_FLIGHT.labels(self._name)
        while batch := await self._next_batch():
            if self._consents:
                await self._consents.learn({m.session_id for m in map(_message, batch) if m})
            in_flight.inc()
            await self._done.put(await loop.run_in_executor(thread, self._outcomes, batch))
        await self._done.put(None)

    async def _publish(self) -> None:
        in_flight = metrics.IN_FLIGHT.labels(self._name)
        while (batch := await self._done.get()) is not None:
            await deliver(batch, self._publisher, self._subscriber, self._settings.shadow)
            count(self._name, batch)
            in_flight.dec()

    def _steer(self) -> None:
        """Pause the partitions with enough waiting, resume the others."""
        assigned = self._subscriber.assigned()
        full = self._queue.full(assigned, FULL_BATCHES * self._settings.batch_rows)
        self._subscriber.pause(full)
        self._subscriber.resume(assigned - full)

    async def _next_batch(self) -> list[Item]:
        """Return what waits, up to a batch, as soon as anything does; an empty one says that all is done."""
        while not self._draining and not len(self._queue):
            self._changed.clear()
            await self._changed.wait()
        batch = self._queue.take(self._settings.batch_rows)
        self._steer()
        return batch

    def _outcomes(self, batch: list[Item]) -> list[Done]:
        """Return what to publish about each item; runs in the model's thread."""
        started_s = time.monotonic()
        readable = [item.message for item in batch if not isinstance(item.message, Failure)]
        outcomes = iter(observe(self._analyst, readable, self._agent_purpose, self._stale, self._withholds))
        results: list[Outcome | Failure] = [
            item.message if isinstance(item.message, Failure) else next(outcomes) for item in batch
        ]
        metrics.BATCH_ROWS.labels(self._name).observe(len(batch))
        metrics.INFERENCE_SECONDS.labels(self._name).observe(time.monotonic() - started_s)
        return list(zip(batch, results, strict=True))

    def _withholds(self, message: Media) -> Reason | None:
        return self._consents.withholds(message) if self._consents else message.withheld

    def _stale(self, message: Media) -> bool:
        budget_ms = self._settings.live_budget_ms
        return budget_ms is not None and self._wall_ms() - message.end_ms > budget_ms


def name(modality: Modality, settings: WorkerSettings) -> str:
    """Return the name of a worker in its metrics."""
    return modality + IN_SHADOW if settings.shadow else modality


def _message(item: Item) -> Media | EndOfStream | None:
    return None if isinstance(item.message, Failure) else item.message
