"""Where the effects of the join go: dead letters and finals to Kafka, panes to Redis, counts to Prometheus.

The topic comes first and Redis second: what Redis holds decides from where a restarted agent goes on, so a
final must be on the topic by then. Readers of the topic may see one twice after a crash; Redis never does.
What fails because a broker or Redis is away is tried until it is there again.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from affectstream.runtime import metrics
from affectstream.runtime.clocks import wall_ms
from affectstream.runtime.kafka import Publisher, Record
from affectstream.runtime.kafka.publisher import Row
from affectstream.runtime.retry import retry_until_available
from affectstream.runtime.store import FusedStore
from affectstream.schemas.codec import EncodedPane
from affectstream.schemas.errors import MessageError
from affectstream.schemas.messages import DeadLetter, Modality
from affectstream.schemas.observations import packed
from affectstream.schemas.topics import FUSED, PROBABILITIES
from affectstream.workers import deadletter
from affectstream.workers.fusion.admission import Effects, Refused

LIVE_MS = 60_000  # a window that ended longer ago, or is still to come, is a replay's: it has no latency
DETAIL = {
    "late": "its window was written without it: its modality had stalled, or its producer began in the past",
    "implausible": "its times contradict its arrival, its neighbours, or what an observation can cover",
    "superseded": "another run of its session has replaced the one that it belongs to",
    "second_run": "its session has another run, which it does not replace; see `replay --again`",
}


@dataclass
class Work:
    """What is to be done before the offsets of a step are committed."""

    finals: Mapping[int, Sequence[EncodedPane]] = field(default_factory=dict)  # by partition
    early: Sequence[EncodedPane] = ()
    dead_letters: Sequence[DeadLetter] = ()
    missing: Counter[Modality] = field(default_factory=Counter)  # finals without the modality
    begun: Mapping[str, str] = field(default_factory=dict)  # runs by session, whose windows replace others

    def __bool__(self) -> bool:
        return bool(any(self.finals.values()) or self.early or self.dead_letters or self.begun)

    def stored(self) -> list[EncodedPane]:
        """Return the panes that are written to Redis: not those of runs that have been replaced."""
        panes = [*(pane for finals in self.finals.values() for pane in finals), *self.early]
        if not self.begun:
            return panes
        return [pane for pane in panes if self.begun.get(pane.session_id, pane.run) == pane.run]


class Sink:
    """Carries out the work of a step."""

    def __init__(self, publisher: Publisher, store: FusedStore) -> None:
        self._publisher = publisher
        self._store = store
        deadletter.begin([PROBABILITIES.name], *DETAIL)
        metrics.GAPS.labels(PROBABILITIES.name)  # from zero: the first loss is an increase

    async def carry_out(self, work: Work) -> None:
        """Return once everything is where readers find it."""
        if work.dead_letters:
            await retry_until_available(lambda: self._publisher.send_many(work.dead_letters))
        await retry_until_available(lambda: self._publish(work.finals))
        if work.begun:
            await retry_until_available(lambda: self._store.begin_runs(list(work.begun.items())))
        if panes := work.stored():
            await retry_until_available(lambda: self._store.writer.write(panes))
        _count(work)

    async def _publish(self, finals: Mapping[int, Sequence[EncodedPane]]) -> None:
        await asyncio.gather(
            *(
                self._publisher.send_encoded(FUSED, partition, [_row(pane) for pane in panes])
                for partition, panes in finals.items()
                if panes
            )
        )


def undecoded(record: Any, error: MessageError) -> DeadLetter:
    """Return the dead letter of a consumer's record that cannot be decoded."""
    value, at_ms = record.value or b"", -1 if record.timestamp is None else record.timestamp
    origin = Record(PROBABILITIES.name, record.partition, record.offset, at_ms, record.key, value)
    return deadletter.dead_letter(origin, error.reason, str(error))


def dead_letters(partition: int, effects: Effects, unread: Sequence[DeadLetter]) -> list[DeadLetter]:
    """Return all dead letters of a step; observations are wrapped alone, as others of their records count."""
    return [*unread, *(_refusal(partition, refused) for refused in effects.refused)]


def _refusal(partition: int, refused: Refused) -> DeadLetter:
    item = refused.item
    if refused.reason == "late":
        metrics.LATE.labels(item.modality).inc()
    record = Record(PROBABILITIES.name, partition, refused.offset, item.start_ms, None, packed(item))
    return deadletter.dead_letter(record, refused.reason, DETAIL[refused.reason])


def _row(pane: EncodedPane) -> Row:
    """Return key, value, time and run of a pane's record."""
    return pane.session_id.encode(), pane.packed, pane.start_ms, pane.run


def _count(work: Work) -> None:
    finals = [pane for panes in work.finals.values() for pane in panes]
    now_ms = wall_ms()
    for name, panes in (("final", finals), ("early", work.early)):
        metrics.WINDOWS.labels(name).inc(len(panes))
        latency = metrics.LATENCY_SECONDS.labels(name)
        for pane in panes:
            if 0 <= now_ms - pane.end_ms < LIVE_MS:
                latency.observe((now_ms - pane.end_ms) / 1000)
    for modality, count in work.missing.items():
        metrics.MISSING.labels(modality).inc(count)
    for letter in work.dead_letters:
        deadletter.report(letter)
