"""The alerts worker: finals in, alerts out, then the commit.

The state of a party is a fold over its finals. It is kept in memory while the next window follows on it;
otherwise (a restart, a rebalance) it is folded again over the finals in Redis. For that to miss nothing, an
offset is committed only when Redis holds the window too: fusion writes the topic first.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

import structlog

from affectstream.analytics import alerts as folding
from affectstream.analytics.alerts import Rules, State
from affectstream.analytics.rules import read
from affectstream.runtime import metrics, process
from affectstream.runtime.health import Health
from affectstream.runtime.kafka import Publisher, Record, Subscriber, topics
from affectstream.runtime.process import Stop
from affectstream.runtime.retry import retry_until_available
from affectstream.runtime.settings import Settings, load
from affectstream.runtime.store import FusedStore
from affectstream.runtime.watchdog import Watchdog
from affectstream.schemas.alert import Alert
from affectstream.schemas.codec import Message, decoder
from affectstream.schemas.errors import MessageError, SettingsError
from affectstream.schemas.fields import UNNAMED
from affectstream.schemas.keys import Runs
from affectstream.schemas.messages import DeadLetter, FusedEmotion, Party, PartyKey
from affectstream.schemas.topics import FUSED
from affectstream.workers import deadletter, webhook
from affectstream.workers.alert_states import AlertStates
from affectstream.workers.commit_gate import REDIS_WAIT_S, CommitGate, Sleep
from affectstream.workers.delivery import Commits, Publishes
from affectstream.workers.webhook import Event

log = structlog.get_logger(__name__)

BATCH = 500
POLL_MS = 100  # how long a fetch waits for records: bounds the time until a stop is seen
STUCK_S = 30 + REDIS_WAIT_S  # without a fetch for so long, the worker is not ready

Add = Callable[[Sequence[Event]], Awaitable[None]]


class Fetches(Commits, Protocol):
    """What is needed of ``affectstream.runtime.kafka.Subscriber``."""

    async def get(self, max_records: int, timeout_ms: int) -> list[Record]:
        """Return what has arrived, in offset order per partition; empty after the timeout."""


class Stores(Protocol):
    """What is needed of ``affectstream.runtime.store.FusedStore``."""

    async def finals(
        self, session_id: str, party: Party, start_ms: int | None = None, end_ms: int | None = None
    ) -> list[FusedEmotion]:
        """Return the finals that end by ``end_ms``, in order."""

    async def positions(self, parties: Sequence[PartyKey]) -> list[int | None]:
        """Return the end of the newest final of each party, in milliseconds."""

    async def write_alerts(self, alerts: Sequence[Alert]) -> None:
        """Write alerts, once however often they come."""

    async def runs_of(self, session_ids: Sequence[str]) -> list[Runs]:
        """Return the runs of sessions: whose windows are kept."""

    async def begin_alerts(self, session_id: str, run: str) -> None:
        """Delete the alerts of a session's earlier runs."""


@dataclass
class Work:
    """What a batch of records leads to."""

    dead_letters: list[DeadLetter] = field(default_factory=list)
    new: list[Alert] = field(default_factory=list)
    refolded: list[Alert] = field(default_factory=list)  # of earlier windows: already on the topic
    events: list[Event] = field(default_factory=list)  # of webhooks
    newest: dict[PartyKey, int] = field(default_factory=dict)  # end of the last window of each party
    over: set[PartyKey] = field(default_factory=set)  # whose newest window states the end of all streams
    offsets: dict[tuple[str, int], int] = field(default_factory=dict)  # the next to read


class AlertsWorker:
    """Folds the rules over the finals of a topic."""

    def __init__(
        self,
        rules: Rules,
        subscriber: Fetches,
        publisher: Publishes,
        store: Stores,
        now_s: Callable[[], float] = time.monotonic,
        sleep: Sleep = asyncio.sleep,
        outbox: Add | None = None,
    ) -> None:
        """``outbox`` takes the events of webhooks; None: there are none."""
        self._rules, self._subscriber, self._publisher, self._store = rules, subscriber, publisher, store
        self._now_s = now_s
        self._fetched_s = now_s()
        self._decode: Callable[[bytes], Message] = decoder(FUSED.max_bytes, *FUSED.carries)
        self._states = AlertStates()
        self._gate = CommitGate(store, self._keeps, now_s, sleep)
        self._outbox = outbox

    async def run(self, stop: asyncio.Event) -> None:
        """Work until ``stop`` is set."""
        while not stop.is_set():
            records = await self._subscriber.get(BATCH, POLL_MS)
            self._fetched_s = self._now_s()
            self._states.forget(self._fetched_s)
            if records:
                await self._finish(await self._work(records), stop)

    def idle_s(self) -> float:
        """Return the seconds since the broker last answered a fetch, with records or without."""
        return self._now_s() - self._fetched_s

    async def _work(self, records: Sequence[Record]) -> Work:
        work = Work()
        for record in records:
            work.offsets[record.topic, record.partition] = record.offset + 1
            try:
                message = self._decode(record.value)
            except MessageError as error:
                work.dead_letters.append(deadletter.dead_letter(record, error.reason, str(error)))
                continue
            if isinstance(message, FusedEmotion) and message.pane == "final":
                await self._begin(message.session_id, record.run)
                await self._add(message, work)
        return work

    async def _begin(self, session_id: str, run: str) -> None:
        """Forget what came of the run before, where a session has another one now."""
        if run == self._states.run(session_id):
            return
        await retry_until_available(lambda: self._store.begin_alerts(session_id, run))
        self._states.begin(session_id, run)

    async def _keeps(self, session_ids: Sequence[str]) -> list[bool]:
        """Say of each session whether its windows in Redis are those of the run that is read here."""
        named = [sid for sid in session_ids if self._states.run(sid) != UNNAMED]
        runs = await retry_until_available(lambda: self._store.runs_of(named)) if named else []
        others = {sid for sid, found in zip(named, runs, strict=True) if found.kept != self._states.run(sid)}
        return [sid not in others for sid in session_ids]

    async def _add(self, window: FusedEmotion, work: Work) -> None:
        key = window.session_id, window.party
        state = self._states.get(key)
        if state is None or window.start_ms > state.end_ms:
            state, refolded = await self._folded(window)
            work.refolded += refolded
        after, new = folding.step(self._rules, state, window)
        if window.end_ms > state.end_ms:
            run = self._states.run(window.session_id)
            work.events += webhook.events(window, run, new, first=state.end_ms < 0)
        self._states.put(key, after, self._fetched_s)
        work.new += new
        if _ends(window):
            work.over.add(key)
        else:
            work.over.discard(key)
        work.newest[key] = max(window.end_ms, work.newest.get(key, 0))

    async def _folded(self, window: FusedEmotion) -> tuple[State, list[Alert]]:
        """Return the state before a window from what Redis holds, and the alerts on the way."""
        session_id, party = window.session_id, window.party
        until_ms = window.end_ms - 1
        if not (await self._keeps([session_id]))[0]:
            return folding.start(self._rules), []
        past = await retry_until_available(lambda: self._store.finals(session_id, party, end_ms=until_ms))
        return folding.fold(self._rules, folding.start(self._rules), past)

    async def _finish(self, work: Work, stop: asyncio.Event) -> None:
        """Publish, store, and commit what Redis will be able to give back after a restart."""
        await retry_until_available(lambda: self._publish([*work.dead_letters, *work.new]))
        if work.new or work.refolded:
            await retry_until_available(lambda: self._store.write_alerts([*work.refolded, *work.new]))
        if work.events and self._outbox:
            await retry_until_available(partial(self._outbox, work.events))
        _count(work)
        if await self._gate.opened(work.newest, stop):
            await self._subscriber.commit(work.offsets)
        for key in work.over:
            self._states.end(key)

    async def _publish(self, messages: Iterable[Message]) -> None:
        acks = []
        for message in messages:
            run = self._states.run(message.session_id) if isinstance(message, Alert) else UNNAMED
            acks.append(await self._publisher.send(message, run=run))
        await asyncio.gather(*acks)


def _ends(window: FusedEmotion) -> bool:
    return {state.stream for state in window.modalities} == {"ended"}


def _count(work: Work) -> None:
    for alert in work.new:
        if alert.edge == "begin":
            metrics.ALERTS.labels(alert.rule, alert.kind).inc()
    for letter in work.dead_letters:
        deadletter.report(letter)


async def serve(settings: Settings, stop: Stop) -> None:
    """Raise alerts until ``stop``; raises SettingsError for bad rules, Unavailable where a broker fails."""
    own = settings.alerts
    if not own.enabled:
        raise SettingsError("the setting alerts.enabled is false; without it this process has nothing to do")
    rules = read(own.rules)
    async with AsyncExitStack() as stack:
        await topics.check(settings.kafka)
        store = await stack.enter_async_context(FusedStore(settings.redis, patient=True))
        publisher = await stack.enter_async_context(Publisher(settings.kafka))
        subscriber = await stack.enter_async_context(Subscriber(settings.kafka, [FUSED.name], FUSED.group))
        hook = await stack.enter_async_context(webhook.delivering(own, settings.redis))
        deadletter.begin([FUSED.name])
        worker = AlertsWorker(rules, subscriber, publisher, store, outbox=hook.add if hook else None)

        checks: dict[str, Any] = {
            "partitions": lambda: bool(subscriber.assigned()),
            "fetching": lambda: worker.idle_s() < STUCK_S,
            "redis": store.ping,
            "webhook": lambda: hook is None or hook.works(),
        }
        await stack.enter_async_context(Health(own.health_port, checks, own.health_host))
        watchdog = Watchdog(settings.kafka, [FUSED.name], FUSED.group, subscriber.held)
        await stack.enter_async_context(watchdog)
        await worker.run(stop)


def main() -> None:
    """Run the alerts worker until SIGTERM or SIGINT; exits 2 on a configuration error."""
    process.run(lambda stop: serve(load(), stop), worker="alerts")


if __name__ == "__main__":
    main()
