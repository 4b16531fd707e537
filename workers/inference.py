"""The inference loop of every modality: fetch, batch, analyse in a thread, publish, commit; no model here.

Three tasks hand work on: ``_fetch`` fills the inbox while ``_analyse`` computes on one batch and ``_publish``
awaits the acknowledgements of the one before. Each waits for the next one when that is full, and partitions
with enough waiting are paused. No state outlives a batch.
"""

import asyncio
import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

from affectstream.runtime import metrics
from affectstream.runtime.clocks import wall_ms
from affectstream.runtime.kafka import Record
from affectstream.runtime.settings import WorkerSettings
from affectstream.schemas.messages import Media
from affectstream.workers.delivery import Commits, Done, Publishes, deliver
from affectstream.workers.observe import Analyst, Failure, Outcome, observe
from affectstream.workers.queue import Inbox, Item, Partition
from affectstream.workers.report import batch_analysed, batch_delivered

POLL_MS = 100  # how long a fetch waits for records: bounds the time until a stop is seen
FULL_BATCHES = 2  # a partition with this many batches waiting is paused


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
        inbox: Inbox,
        subscriber: Fetches,
        publisher: Publishes,
        settings: WorkerSettings,
        agent_purpose: str | None = None,
        wall_ms: Callable[[], int] = wall_ms,
    ) -> None:
        self._analyst, self._inbox, self._subscriber, self._publisher = analyst, inbox, subscriber, publisher
        self._settings, self._agent_purpose, self._wall_ms = settings, agent_purpose, wall_ms
        self._fetched_s = time.monotonic()
        self._changed = asyncio.Event()
        self._draining = False
        self._done: asyncio.Queue[list[Done] | None] = asyncio.Queue(settings.in_flight)

    async def run(self, stop: asyncio.Event) -> None:
        """Work until ``stop`` is set, then finish, publish and commit what was fetched."""
        with ThreadPoolExecutor(1, f"{self._analyst.modality}-model") as thread:
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._fetch(stop))
                    group.create_task(self._analyse(thread))
                    group.create_task(self._publish())
            except ExceptionGroup as failures:
                raise failures.exceptions[0] from None

    def idle_s(self) -> float:
        """Return the seconds since the last answer of the broker to a fetch, records or none."""
        return time.monotonic() - self._fetched_s

    async def _fetch(self, stop: asyncio.Event) -> None:
        inputs = metrics.INPUTS.labels(self._analyst.modality)
        while not stop.is_set():
            records = await self._subscriber.get(self._settings.batch_rows, POLL_MS)
            for record in records:
                self._inbox.accept(record)
            inputs.inc(len(records))
            self._fetched_s = time.monotonic()
            self._steer()
            self._changed.set()
        self._draining = True
        self._changed.set()

    async def _analyse(self, thread: ThreadPoolExecutor) -> None:
        loop, in_flight = asyncio.get_running_loop(), metrics.IN_FLIGHT.labels(self._analyst.modality)
        while batch := await self._next_batch():
            in_flight.inc()
            await self._done.put(await loop.run_in_executor(thread, self._outcomes, batch))
        await self._done.put(None)

    async def _publish(self) -> None:
        in_flight = metrics.IN_FLIGHT.labels(self._analyst.modality)
        while (batch := await self._done.get()) is not None:
            await deliver(batch, self._publisher, self._subscriber)
            batch_delivered(self._analyst.modality, batch)
            in_flight.dec()

    def _steer(self) -> None:
        """Pause the partitions with enough waiting, resume the others."""
        assigned = self._subscriber.assigned()
        full = self._inbox.full(assigned, FULL_BATCHES * self._settings.batch_rows)
        self._subscriber.pause(full)
        self._subscriber.resume(assigned - full)

    async def _next_batch(self) -> list[Item]:
        """Return the next batch when it is due; an empty one says that all is done."""
        rows, delay_s = self._settings.batch_rows, self._settings.max_delay_ms / 1000
        while not self._draining and (wait_s := self._inbox.due_in(rows, delay_s)) != 0:
            self._changed.clear()
            try:
                async with asyncio.timeout(wait_s):
                    await self._changed.wait()
            except TimeoutError:
                continue
        batch = self._inbox.take(rows)
        self._steer()
        return batch

    def _outcomes(self, batch: list[Item]) -> list[Done]:
        """Return what to publish about each item; runs in the model's thread."""
        started_s = time.monotonic()
        readable = [item.message for item in batch if not isinstance(item.message, Failure)]
        told = iter(observe(self._analyst, readable, self._agent_purpose, self._stale))
        results: list[Outcome | Failure] = [
            item.message if isinstance(item.message, Failure) else next(told) for item in batch
        ]
        batch_analysed(self._analyst.modality, len(batch), time.monotonic() - started_s)
        return list(zip(batch, results, strict=True))

    def _stale(self, message: Media) -> bool:
        budget_ms = self._settings.live_budget_ms
        return budget_ms is not None and self._wall_ms() - message.end_ms > budget_ms
