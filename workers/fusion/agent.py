"""The fusion agent's loop over the pure join.

Faust only hands records over. One loop takes all that are there, joins them, carries the effects out and then
acknowledges, in that order and one batch at a time, so that nothing is acknowledged before its results are
where readers find them. State is per partition, and is dropped when partitions are handed out anew.
"""

import asyncio
import os
import socket
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

import structlog

from affectstream.runtime import metrics
from affectstream.runtime.store import FusedStore, Newest
from affectstream.schemas.errors import Unavailable
from affectstream.schemas.messages import DeadLetter, Modality
from affectstream.schemas.topics import PROBABILITIES
from affectstream.workers.fusion import report
from affectstream.workers.fusion.engine import Engine, Key
from affectstream.workers.fusion.intake import Taken, read
from affectstream.workers.fusion.outlet import Outlet, Work, insist
from affectstream.workers.fusion.partition import Partition
from affectstream.workers.fusion.watch import Watch

log = structlog.get_logger(__name__)

BATCH = 200  # records that are joined before their effects are carried out
TRUST_EVERY_MS = 1000  # at most; a shorter window asks more often
LINGER_S = 0.003  # after the first record, for faust to hand over more: one pipeline for all of them
BY = f"fusion process {os.getpid()} on {socket.gethostname()}"  # in the log of trust
NEVER = -1  # the epoch of what is no record
STOP_S = 5.0  # for the batch under way, once the process is asked to stop


class Broker(Protocol):
    """What is needed of faust."""

    def ack(self, message: Any) -> None:
        """Let the offset of ``message`` be committed; messages come in the order of their offsets."""

    def ends(self) -> dict[int, int]:
        """Return the next offset of the log for every partition assigned."""


@dataclass
class Assigned:
    """One partition while this process has it."""

    join: Partition
    next_offset: int | None = None
    messages: deque[Any] = field(default_factory=deque)  # not acknowledged, oldest first
    unread: list[DeadLetter] = field(default_factory=list)

    def work(self, partition: int) -> Work:
        """Return what is to be done before anything is acknowledged."""
        return Work(partition, self.join.effects, list(self.unread))


class FusionAgent:
    """What happens to a record between faust's stream and faust's acknowledgement."""

    def __init__(
        self,
        new_engine: Callable[[], Engine],
        store: FusedStore,
        outlet: Outlet,
        watch: Watch,
        broker: Broker,
        gap_is_fatal: bool = False,
    ) -> None:
        self._new_engine, self._store, self._outlet = new_engine, store, outlet
        self._watch, self._broker, self._gap_is_fatal = watch, broker, gap_is_fatal
        self._inbox: asyncio.Queue[tuple[int, Any]] = asyncio.Queue(2 * BATCH)
        self._partitions: dict[int, Assigned] = {}
        self._epoch = 0
        self._trust: dict[Modality, float] = {}
        self._look_ms = self._trust_ms = 0
        self._trust_every_ms = min(TRUST_EVERY_MS, new_engine().config.window_ms)

    async def receive(self, message: Any) -> None:
        """Hand a record over; returns when there is room for it."""
        await self._inbox.put((self._epoch, message))

    def revoked(self) -> None:
        """Forget all partitions: reading starts again from what is committed, here or elsewhere."""
        self._epoch += 1
        self._partitions.clear()

    async def run(self, stop: asyncio.Event) -> None:
        """Work until ``stop`` is set; raises Unavailable where records were lost."""
        waking = asyncio.create_task(self._wake(stop))
        try:
            while not stop.is_set():
                await self._step(await self._batch())
        finally:
            waking.cancel()

    async def _wake(self, stop: asyncio.Event) -> None:
        """End the wait for records at once."""
        await stop.wait()
        await self._inbox.put((NEVER, None))

    async def _batch(self) -> list[tuple[int, Any]]:
        """Return what has been received, or nothing when it is time to look for stalls."""
        try:
            async with asyncio.timeout(max(0, self._look_ms - monotonic_ms()) / 1000):
                batch = [await self._inbox.get()]
        except TimeoutError:
            return []
        if batch[0][0] != NEVER:
            await asyncio.sleep(LINGER_S)
        while len(batch) < BATCH and not self._inbox.empty():
            batch.append(self._inbox.get_nowait())
        return batch

    async def _step(self, batch: Sequence[tuple[int, Any]]) -> None:
        """Join a batch and look for stalls where it is time; a rebalance on the way undoes all of it."""
        epoch, now_ms = self._epoch, monotonic_ms()
        taken = [read(message) for of_epoch, message in batch if of_epoch == epoch]
        await self._learn_trust(now_ms)
        places = await self._places(taken)
        looking = now_ms >= self._look_ms
        if looking:
            await self._look_around(now_ms)
        if epoch != self._epoch:
            return
        for each in taken:
            self._take(each, places)
        if looking:
            self._look_ms = now_ms + self._watch.every_ms
            for assigned in self._partitions.values():
                assigned.join.tick(now_ms, self._watch.has_lag)
            report.joined(assigned.join.engine for assigned in self._partitions.values())
        await self._carry_out(epoch)

    async def _places(self, taken: Sequence[Taken]) -> dict[Key, Newest | None]:
        """Ask the store for the newest finals of the parties that are new here."""
        new: dict[Key, None] = {}
        for each in taken:
            assigned = self._partitions.get(each.partition)
            keys = assigned.join.strangers(each.items) if assigned else each.keys()
            new.update(dict.fromkeys(keys))
        newest = await asyncio.gather(*(insist(partial(self._store.newest, *key)) for key in new))
        return dict(zip(new, newest, strict=True))

    def _take(self, each: Taken, places: dict[Key, Newest | None]) -> None:
        assigned = self._partitions.get(each.partition)
        if assigned is None:
            assigned = self._partitions[each.partition] = Assigned(Partition(self._new_engine()))
            assigned.join.engine.override(self._trust)
        if assigned.next_offset is not None and each.offset < assigned.next_offset:
            return  # faust reads again what it has read
        self._check_gap(each, assigned.next_offset)
        assigned.next_offset = each.offset + 1
        for key in assigned.join.strangers(each.items):
            newest = places[key]
            if newest is not None:
                assigned.join.resume(key, newest.end_ms, newest.final)
        assigned.join.take(each.offset, each.items)
        assigned.messages.append(each.message)
        if each.letter is not None:
            assigned.unread.append(each.letter)

    async def _carry_out(self, epoch: int) -> None:
        works = [assigned.work(partition) for partition, assigned in self._partitions.items()]
        works = [work for work in works if work.effects or work.unread]
        if works:
            await self._outlet.carry_out(works)
        for work in works:
            report.carried_out(work)
        if epoch == self._epoch:
            for assigned in self._partitions.values():
                self._acknowledge(assigned)

    def _acknowledge(self, assigned: Assigned) -> None:
        assigned.unread.clear()
        for offset in assigned.join.settle():
            message = assigned.messages.popleft()
            assert message.offset == offset
            self._broker.ack(message)

    async def _look_around(self, now_ms: int) -> None:
        silence_ms = max((a.join.engine.silence_ms(now_ms) for a in self._partitions.values()), default=0)
        stands = {partition: a.next_offset or 0 for partition, a in self._partitions.items()}
        ends = {partition: end for partition, end in self._broker.ends().items() if partition in stands}
        await self._watch.sample(now_ms, silence_ms, ends, stands)

    async def _learn_trust(self, now_ms: int) -> None:
        """Ask for an operator's trust once a window, and note where it has changed."""
        if now_ms < self._trust_ms:
            return
        self._trust_ms = now_ms + self._trust_every_ms
        try:
            trust = await self._store.trust()
            if trust == self._trust:
                return
            self._trust = trust
            log.info("trust_set", **trust)
            for assigned in self._partitions.values():
                assigned.join.engine.override(trust)
            await self._store.saw_trust(trust, BY)
        except Unavailable as error:
            log.warning("trust_unknown", error=str(error))

    def _check_gap(self, each: Taken, next_offset: int | None) -> None:
        missed = 0 if next_offset is None else each.offset - next_offset
        if not missed:
            return
        metrics.GAPS.labels(PROBABILITIES.name).inc(missed)
        log.error("records_lost", topic=PROBABILITIES.name, partition=each.partition, missed=missed)
        if self._gap_is_fatal:
            raise Unavailable(
                f"the embedded broker dropped {missed} records of {PROBABILITIES.name} before they were "
                "read: it keeps little; replay more slowly, or use a real Kafka"
            )


def monotonic_ms() -> int:
    """Return a clock that never goes back."""
    return int(time.monotonic() * 1000)
