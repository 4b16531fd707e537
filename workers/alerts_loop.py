"""The loop of the alerts worker: finals in, alerts out, then the commit.

The state of a party is a fold over its finals. It is taken from memory only where the window at hand follows
on it; otherwise (a restart, a rebalance) it is folded anew over the finals in Redis. For that to miss
nothing, an offset is committed only when Redis holds the window too: fusion writes the topic first.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from affectstream.analytics import alerts as folding
from affectstream.analytics.alerts import Rules, State
from affectstream.runtime import metrics
from affectstream.runtime.kafka import Record
from affectstream.schemas.codec import decoder
from affectstream.schemas.errors import MessageError
from affectstream.schemas.messages import Alert, DeadLetter, FusedEmotion, Message, Party
from affectstream.schemas.topics import FUSED
from affectstream.workers.deadletter import dead_letter
from affectstream.workers.delivery import Commits, Publishes
from affectstream.workers.fusion.outlet import insist

log = structlog.get_logger(__name__)

BATCH = 500
POLL_MS = 100  # how long a fetch waits for records: bounds the time until a stop is seen
LOOK_S = 0.02  # between looks whether Redis has what the topic has
SETTLE_S = 20.0  # after so long it is committed all the same: the session was purged, or fusion is down
REMEMBERED = 10_000  # parties

Key = tuple[str, Party]


class Fetches(Commits, Protocol):
    """What is needed of ``affectstream.runtime.kafka.Subscriber``."""

    async def get(self, max_records: int, timeout_ms: int) -> list[Record]:
        """Return what has arrived, in offset order per partition; empty after the timeout."""


class Keeps(Protocol):
    """What is needed of ``affectstream.runtime.store.FusedStore``."""

    async def finals(
        self, session_id: str, party: Party, start_ms: int | None = None, end_ms: int | None = None
    ) -> list[FusedEmotion]:
        """Return the finals that end by ``end_ms``, in order."""

    async def position(self, session_id: str, party: Party) -> int | None:
        """Return the end of the newest final, in milliseconds."""

    async def write_alerts(self, alerts: Sequence[Alert]) -> None:
        """Write alerts, once however often they come."""


@dataclass
class Work:
    """What a batch of records leads to."""

    letters: list[DeadLetter] = field(default_factory=list)
    new: list[Alert] = field(default_factory=list)
    refolded: list[Alert] = field(default_factory=list)  # of earlier windows: on the topic before
    newest: dict[Key, int] = field(default_factory=dict)  # end of the last window of each party
    offsets: dict[tuple[str, int], int] = field(default_factory=dict)  # the next to read


class Alerting:
    """Folds the rules over the finals of a topic."""

    def __init__(
        self,
        rules: Rules,
        subscriber: Fetches,
        publisher: Publishes,
        store: Keeps,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rules, self._subscriber, self._publisher, self._store = rules, subscriber, publisher, store
        self._now_s = now_s
        self._fetched_s = now_s()
        self._decode: Callable[[bytes], Message] = decoder(FUSED.max_bytes, *FUSED.carries)
        self._states: OrderedDict[Key, State] = OrderedDict()
        self._unsettled: set[Key] = set()  # parties that Redis did not get in time

    async def run(self, stop: asyncio.Event) -> None:
        """Work until ``stop`` is set."""
        while not stop.is_set():
            records = await self._subscriber.get(BATCH, POLL_MS)
            self._fetched_s = self._now_s()
            if records:
                await self._carry_out(await self._work(records), stop)

    def idle_s(self) -> float:
        """Return the seconds since the last answer of the broker to a fetch, records or none."""
        return self._now_s() - self._fetched_s

    async def _work(self, records: Sequence[Record]) -> Work:
        work = Work()
        for record in records:
            work.offsets[record.topic, record.partition] = record.offset + 1
            try:
                message = self._decode(record.value)
            except MessageError as error:
                work.letters.append(dead_letter(record, error.reason, str(error)))
                continue
            if isinstance(message, FusedEmotion) and message.pane == "final":
                await self._take(message, work)
        return work

    async def _take(self, window: FusedEmotion, work: Work) -> None:
        key = window.session_id, window.party
        state = self._states.get(key)
        if state is None or window.start_ms > state.end_ms:
            state, refolded = await self._folded(window)
            work.refolded += refolded
        self._states[key], new = folding.step(self._rules, state, window)
        self._states.move_to_end(key)
        if len(self._states) > REMEMBERED:
            self._states.popitem(last=False)
        work.new += new
        work.newest[key] = max(window.end_ms, work.newest.get(key, 0))

    async def _folded(self, window: FusedEmotion) -> tuple[State, list[Alert]]:
        """Return the state before a window from what Redis holds, and the alerts on the way."""
        session_id, party = window.session_id, window.party
        until_ms = window.end_ms - 1
        past = await insist(lambda: self._store.finals(session_id, party, end_ms=until_ms))
        return folding.fold(self._rules, folding.start(self._rules), past)

    async def _carry_out(self, work: Work, stop: asyncio.Event) -> None:
        """Publish, store, and commit what Redis will be able to give back after a restart."""
        await insist(lambda: self._publish([*work.letters, *work.new]))
        if work.new or work.refolded:
            await insist(lambda: self._store.write_alerts([*work.refolded, *work.new]))
        _count(work)
        if await self._settled(work.newest, stop):
            await self._subscriber.commit(work.offsets)

    async def _publish(self, messages: Iterable[Message]) -> None:
        await asyncio.gather(*[await self._publisher.send(message) for message in messages])

    async def _settled(self, newest: dict[Key, int], stop: asyncio.Event) -> bool:
        """Return whether the offsets may be committed, once Redis holds the windows or time is up."""
        waiting = {key: end_ms for key, end_ms in newest.items() if key not in self._unsettled}
        deadline_s = self._now_s() + SETTLE_S
        while waiting := {
            key: end_ms for key, end_ms in waiting.items() if not await self._holds(key, end_ms)
        }:
            if stop.is_set():
                return False
            if self._now_s() > deadline_s:
                if len(self._unsettled) > REMEMBERED:
                    self._unsettled.clear()
                log.warning("finals_not_in_redis", parties=len(waiting))
                self._unsettled |= waiting.keys()
                return True
            await asyncio.sleep(LOOK_S)
        return True

    async def _holds(self, key: Key, end_ms: int) -> bool:
        position = await insist(lambda: self._store.position(*key))
        return position is not None and position >= end_ms


def _count(work: Work) -> None:
    for alert in work.new:
        if alert.edge == "begin":
            metrics.ALERTS.labels(alert.rule, alert.kind).inc()
    for letter in work.letters:
        metrics.DEAD_LETTERS.labels(letter.topic, letter.reason).inc()
        log.warning("dead_letter", partition=letter.partition, offset=letter.offset, reason=letter.reason)
