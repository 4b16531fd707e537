"""The fusion agent's loop: take whole fetches, join them, carry the effects out, commit.

Fetches are joined as they come. One writer takes what has followed from them since its last step, fuses the
windows that have closed as arrays, carries the effects out and commits, one step after the other: the slower
the broker, the larger the steps. Offsets are committed after the effects of the step that they were computed
in, so that nothing is committed before its results are where readers find them. State is per partition, and
is dropped when partitions are assigned anew.
"""

import asyncio
import contextlib
from collections.abc import Iterator, Mapping, Sequence, Set
from itertools import chain
from typing import Any, Protocol

from affectstream.runtime.clocks import monotonic_ms, wall_ms
from affectstream.runtime.consent import Consents
from affectstream.runtime.store import FusedStore
from affectstream.schemas.errors import MessageError
from affectstream.schemas.observations import Judged, Observation, read
from affectstream.schemas.topics import DAY_MS
from affectstream.workers.fusion.admission import permitted
from affectstream.workers.fusion.answers import Answer, answered, learn
from affectstream.workers.fusion.config import Fusion
from affectstream.workers.fusion.partition import Partition, Senders, count, lost, senders
from affectstream.workers.fusion.sink import Sink, Work, dead_letters, undecoded
from affectstream.workers.fusion.stalls import LagWatch
from affectstream.workers.fusion.trust import OperatorTrust

COMMIT_EVERY_MS = 1000
MOST_WAITING = 4000  # closed windows: from here on, fetches wait for the writer; larger steps gain no more
STOP_S = 5.0  # for the steps under way, once the process is asked to stop

AHEAD_MS = 7 * DAY_MS  # of its arrival: an event time beyond cannot be
ARRIVAL = 1  # the type of a record's time that is the broker's

Batch = Mapping[int, Sequence[Any]]  # consumer records by partition, offsets ascending


class Source(Protocol):
    """What is needed of the consumer."""

    async def commit(self, offsets: Mapping[int, int]) -> None:
        """Commit the next offset to read per partition."""

    def ends(self) -> dict[int, int]:
        """Return the next offset of the log for every partition assigned."""


class FusionAgent:
    """What happens between a fetch and the commit of its offsets."""

    def __init__(
        self,
        fusion: Fusion,
        store: FusedStore,
        sink: Sink,
        lag: LagWatch,
        source: Source,
        gap_is_fatal: bool = False,
        consents: Consents | None = None,
    ) -> None:
        self._fusion, self._fuser = fusion, fusion.fuser
        self._store, self._sink, self._lag, self._source = store, sink, lag, source
        self._gap_is_fatal, self._consents = gap_is_fatal, consents
        self._trust = OperatorTrust(store, fusion.window_ms)
        self._partitions: dict[int, Partition] = {}
        self._joining, self._writing = asyncio.Lock(), asyncio.Lock()
        self._changed, self._room = asyncio.Event(), asyncio.Event()  # for the writer, for fetches
        self._epoch = 0  # counts revocations
        self._commit_ms = 0  # when to commit next
        self._committed: dict[int, int] = {}
        self.carried_out: dict[int, int | None] = {}  # by partition, the next offset after the last step
        self._being_written: set[str] = set()  # sessions

    async def receive(self, batch: Batch) -> None:
        """Join what was fetched; returns when there is room for the next fetch."""
        epoch = self._epoch
        async with self._joining:
            if epoch == self._epoch:
                await self._join(batch)
        while sum(each.join.waiting() for each in self._partitions.values()) > MOST_WAITING:
            self._room.clear()
            await self._room.wait()

    def revoked(self) -> None:
        """Forget all partitions: reading starts again from what is committed, here or elsewhere."""
        self._epoch += 1
        self._partitions.clear()
        self._committed.clear()
        self.carried_out.clear()
        self._room.set()

    def withdraw(self, session_id: str) -> None:
        """Drop all that is open or waits of a session that may not be processed any more."""
        for partition in self._partitions.values():
            partition.join.withdraw(session_id)

    async def run(self, stop: asyncio.Event) -> None:
        """Check for stalls and carry steps out until ``stop``; raises what a step fails with."""
        stopping: asyncio.Task[Any] = asyncio.create_task(stop.wait())
        working: set[asyncio.Task[Any]] = {
            asyncio.create_task(self._write()),
            asyncio.create_task(self._check_until(stop)),
        }
        try:
            await asyncio.wait({stopping, *working}, return_when=asyncio.FIRST_COMPLETED)
            if stopping.done():
                await asyncio.wait(working, timeout=STOP_S, return_when=asyncio.FIRST_COMPLETED)
            for task in working:
                if task.done():
                    task.result()
        finally:
            for task in (stopping, *working):
                task.cancel()

    async def _check_until(self, stop: asyncio.Event) -> None:
        """Check for stalls; at the end, commit what has been carried out."""
        while not stop.is_set():
            await self._check()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), self._lag.every_ms / 1000)
        self._commit_ms = 0
        await self._carry_out()

    async def _write(self) -> None:
        while True:
            await self._changed.wait()
            await self._carry_out()

    async def _carry_out(self) -> None:
        """Carry out what has followed since the last step, then commit."""
        async with self._writing:
            self._changed.clear()
            epoch, work, offsets = self._epoch, self._work(), self._committable()
            reached = {number: each.next_offset for number, each in self._partitions.items()}
            self._room.set()
            if work:
                self._being_written = {pane.session_id for panes in work.finals.values() for pane in panes}
                await self._sink.carry_out(work)
                self._being_written = set()
            if epoch == self._epoch:
                self.carried_out |= reached
                if offsets:
                    await self._source.commit(offsets)

    async def _join(self, batch: Batch) -> None:
        """Join a fetch; a rebalance on the way undoes all of it."""
        epoch = self._epoch
        decoded = {number: _decoded(records) for number, records in batch.items()}
        await self._learn_trust()
        sent_by = {number: senders(_items(records)) for number, records in decoded.items()}
        await self._learn_consent({session_id for each in sent_by.values() for session_id, *_ in each})
        answers = await self._ask(sent_by)
        if epoch != self._epoch:
            return
        for number, records in decoded.items():
            if number in answers:
                join = self._partition(number).join
                learn(join, answers[number], self._being_written, self._fusion.replaces)
            self._add(number, records)
        self._changed.set()

    async def _check(self) -> None:
        """Look for stalls, and count; fetches are joined while the broker is asked."""
        now_ms, epoch = monotonic_ms(), self._epoch
        joins = {number: each.join for number, each in self._partitions.items()}
        silence_ms = max((join.silence_ms(now_ms) for join in joins.values()), default=0)
        stands = {number: each.next_offset or 0 for number, each in self._partitions.items()}
        ends = {number: end for number, end in self._source.ends().items() if number in stands}
        await self._lag.sample(now_ms, silence_ms, ends, stands)
        async with self._joining:
            await self._learn_trust()
            if epoch != self._epoch:
                return
            for join in joins.values():
                join.tick(now_ms, self._lag.has_lag)
            count(self._partitions.values())
            self._changed.set()

    def _work(self) -> Work:
        """Fuse what has closed in all partitions since the last step."""
        taken = {number: each.take() for number, each in self._partitions.items()}
        closed = [final for effects, _ in taken.values() for final in effects.finals]
        open_ones = [pane for effects, _ in taken.values() for pane in effects.early]
        finals = self._fuser.fuse(closed, "final")
        panes = iter(finals.panes)
        return Work(
            finals={n: [next(panes) for _ in effects.finals] for n, (effects, _) in taken.items()},
            early=self._fuser.fuse(open_ones, "early").panes,
            dead_letters=[letter for n, each in taken.items() for letter in dead_letters(n, *each)],
            missing=finals.missing,
            begun={sid: run for effects, _ in taken.values() for sid, run in effects.begun.items()},
        )

    def _committable(self) -> dict[int, int]:
        """Return the offsets to commit once all that was taken is carried out; now and then, where moved."""
        now_ms = monotonic_ms()
        if now_ms < self._commit_ms:
            return {}
        self._commit_ms = now_ms + COMMIT_EVERY_MS
        found = {number: each.committable() for number, each in self._partitions.items()}
        known = {n: offset for n, offset in found.items() if offset is not None}
        moved = {n: offset for n, offset in known.items() if offset != self._committed.get(n)}
        self._committed |= moved
        return moved

    async def _ask(self, sent_by: Mapping[int, Senders]) -> dict[int, Answer]:
        """Return what the store holds of the runs and parties that are new here, by partition."""
        asked = {n: self._partition(n).asks(each) for n, each in sent_by.items()}
        return {n: await answered(self._store, each) for n, each in asked.items() if each}

    def _partition(self, number: int) -> Partition:
        if number not in self._partitions:
            self._partitions[number] = Partition(self._fusion.join())
        return self._partitions[number]

    def _add(self, number: int, records: Sequence[tuple[Any, Judged]]) -> None:
        partition, now_ms = self._partition(number), wall_ms()
        for record, judged in records:
            missed = partition.missed(record.offset)
            if missed < 0:
                continue  # the consumer reads again what it has read
            if missed:
                lost(number, missed, self._gap_is_fatal)
            if isinstance(judged, MessageError):
                partition.undecoded.append(undecoded(record, judged))
            elif self._consents and self._consents.refused:
                judged = permitted(judged, self._consents.refused)
            latest_ms = (record.timestamp if record.timestamp_type == ARRIVAL else now_ms) + AHEAD_MS
            partition.add_record(record.offset, () if isinstance(judged, MessageError) else judged, latest_ms)

    async def _learn_consent(self, sessions: Set[str]) -> None:
        """Know whether the sessions of a fetch may be processed; most are known, and cost no call."""
        if self._consents is None:
            return
        if not sessions <= self._consents.known.keys() or monotonic_ms() > self._consents.valid_until_ms:
            await self._consents.learn(sessions)

    async def _learn_trust(self) -> None:
        if await self._trust.changed(monotonic_ms()):
            self._fuser = self._fusion.fuser.override(self._trust.by_modality)


def _decoded(records: Sequence[Any]) -> list[tuple[Any, Judged]]:
    return list(zip(records, read([record.value for record in records]), strict=True))


def _items(records: Sequence[tuple[Any, Judged]]) -> Iterator[Observation]:
    return chain.from_iterable(judged for _, judged in records if not isinstance(judged, MessageError))
