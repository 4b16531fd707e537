"""Where the effects of the join go: dead letters and finals to Kafka, panes to Redis, numbers to Prometheus.

The topic comes first and Redis second: what Redis holds decides from where a restarted agent goes on, so a
final must be on the topic by then. Readers of the topic may see one twice after a crash; Redis never does.
Imports runtime and the dead letter of the workers.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import structlog
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_exponential

from affectstream.runtime.kafka import Publisher, Record
from affectstream.runtime.store import FusedStore
from affectstream.schemas.codec import encode
from affectstream.schemas.errors import Unavailable
from affectstream.schemas.messages import DeadLetter, Message, Observations
from affectstream.schemas.topics import PROBABILITIES
from affectstream.workers.deadletter import dead_letter
from affectstream.workers.fusion.engine import Refused
from affectstream.workers.fusion.partition import Effects

log = structlog.get_logger(__name__)

PATIENCE_S = 5  # between attempts, at most
DETAIL = {
    "late": "its window was written without it: its modality had stalled",
    "implausible": "it claims to cover more hours than an observation can",
}

T = TypeVar("T")


@dataclass(frozen=True)
class Work:
    """What one partition wants done."""

    partition: int
    effects: Effects
    unread: list[DeadLetter] = field(default_factory=list)  # records that could not be decoded

    def letters(self) -> list[DeadLetter]:
        """Return all dead letters; an observation is wrapped alone, as the others of its record did count."""
        refused = [_letter(self.partition, offset, refused) for offset, refused in self.effects.refused]
        return [*self.unread, *refused]


class Outlet:
    """Carries effects out; what fails for want of a broker or a Redis is tried until that is there again."""

    def __init__(self, publisher: Publisher, store: FusedStore) -> None:
        self._publisher = publisher
        self._store = store

    async def carry_out(self, works: Sequence[Work]) -> None:
        """Return once everything is where it belongs."""
        finals = [final for work in works for final in work.effects.finals]
        letters = [letter for work in works for letter in work.letters()]
        panes = [*finals, *(early for work in works for early in work.effects.early.values())]
        await insist(lambda: self._publish([*letters, *finals]))
        if panes:
            await insist(lambda: self._store.write(panes))

    async def _publish(self, messages: Iterable[Message]) -> None:
        await asyncio.gather(*[await self._publisher.send(message) for message in messages])


async def insist(action: Callable[[], Awaitable[T]]) -> T:
    """Return what ``action`` returns, tried until nothing is unavailable any more."""
    async for attempt in AsyncRetrying(
        retry=retry_if_exception_type(Unavailable),
        wait=wait_exponential(multiplier=0.1, max=PATIENCE_S),
        before_sleep=_warn,
    ):
        with attempt:
            return await action()
    raise AssertionError("the attempts never end without a result")


def _warn(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    log.warning("unavailable", attempt=state.attempt_number, error=str(error))


def _letter(partition: int, offset: int, refused: Refused) -> DeadLetter:
    body = encode(Observations(items=(refused.item,)))
    record = Record(PROBABILITIES.name, partition, offset, refused.item.start_ms, None, body)
    return dead_letter(record, refused.reason, DETAIL[refused.reason])
