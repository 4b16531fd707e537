"""A watchdog on progress: a process whose consumer is stuck, or whose event loop is blocked, ends.

A Kafka client can stop reading while its connections and its membership look alive, after a broker's outage
or a rebalance that never ended. Nothing inside the client notices, so the broker is asked over connections of
the watchdog's own. What is away is waited for and is no reason to restart: a broker that does not answer the
watchdog, and whatever `runtime.retry` has met lately.
"""

import asyncio
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import NoReturn, Self

import structlog

from affectstream.runtime import metrics, retry
from affectstream.runtime.kafka.lag import ANSWER_S, ConsumerProgress, LagProbe
from affectstream.runtime.process import RESTART
from affectstream.runtime.settings.kafka import KafkaSettings
from affectstream.schemas.errors import Unavailable

log = structlog.get_logger(__name__)

SAMPLES = 10  # of a stall, before it counts as one
LAST_WORDS_S = 5.0  # for the log line: what it goes to may be what hangs

Positions = Callable[[], Mapping[int, int | None]]
"""The partitions held, each with the next offset to be dealt with; None: what is committed says so."""


class Stalls:
    """Since when each partition has records waiting and none of them read."""

    def __init__(self) -> None:
        self._seen: dict[int, tuple[int, float]] = {}  # how far each was, and since when

    def clear(self) -> None:
        """Forget all: what follows is judged anew."""
        self._seen.clear()

    def stalled_s(
        self, now_s: float, found: Mapping[int, ConsumerProgress], held: Mapping[int, int | None]
    ) -> float:
        """Return for how long the longest partition of those held has stood still with records waiting.

        A member without partitions answers for its whole group: it is stuck where all that wait stand still.
        """
        judged = {n: each for n, each in found.items() if n in held or not held}
        seen, self._seen = self._seen, {}
        for number, each in judged.items():
            reached = max(each.reached, held.get(number) or 0)
            before = seen.get(number)
            if reached < each.end:
                self._seen[number] = before if before and before[0] == reached else (reached, now_s)
        stalls = [now_s - since_s for _, since_s in self._seen.values()]
        return (max if held else min)(stalls, default=0.0)


class Watchdog:
    """``async with Watchdog(settings.kafka, topics, group, positions):`` ends the process where it is stuck.

    The exit code is `RESTART`. Work that was under way is done again by whoever reads the partitions next.
    """

    def __init__(self, kafka: KafkaSettings, topics: Sequence[str], group: str, positions: Positions) -> None:
        self._kafka, self._group, self._positions = kafka, group, positions
        self._probe = LagProbe(kafka)
        self._stalls = {topic: Stalls() for topic in topics}
        self._stalled = metrics.STALLED_SECONDS.labels(group)
        self._beat_s = time.monotonic()
        self._over = threading.Event()
        self._sampling: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        if self._kafka.stuck_s:
            self._beat_s = time.monotonic()
            self._sampling = asyncio.create_task(self._sample_for_ever())
            threading.Thread(target=self._watch_the_loop, name="watchdog", daemon=True).start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        if self._sampling is not None:
            self._sampling.cancel()
            await asyncio.gather(self._sampling, return_exceptions=True)
        await self._probe.close()

    @property
    def _every_s(self) -> float:
        return self._kafka.stuck_s / SAMPLES

    async def _sample_for_ever(self) -> None:
        while True:
            await asyncio.sleep(self._every_s)  # first: who ends soon leaves no connection half made
            self._beat_s = time.monotonic()
            stalled_s, topic = await self._sample()
            self._stalled.set(stalled_s)
            if stalled_s >= self._kafka.stuck_s:
                _end("consumer_stuck", topic=topic, group=self._group, stalled_s=round(stalled_s, 1))

    async def _sample(self) -> tuple[float, str]:
        """Return for how long nothing has moved, and of which topic; 0 where that has another reason."""
        found = await self._progress()
        if found is None or retry.unavailable_within(self._kafka.stuck_s):
            for stalls in self._stalls.values():
                stalls.clear()
            return 0.0, ""
        now_s, held = time.monotonic(), self._positions()
        return max(
            (stalls.stalled_s(now_s, found[name], held), name) for name, stalls in self._stalls.items()
        )

    async def _progress(self) -> dict[str, Mapping[int, ConsumerProgress]] | None:
        """Return where the group stands by topic; None where the broker does not answer: ask anew."""
        try:
            found = await self._probe.progress([(topic, self._group) for topic in self._stalls])
        except Unavailable as error:
            log.warning("progress_unknown", group=self._group, why=str(error))
            return None
        return {topic: each for (topic, _), each in found.items()}

    def _watch_the_loop(self) -> None:
        """Run in a thread of its own, which a blocked event loop cannot hold up."""
        longest_s = self._kafka.stuck_s + self._every_s + 3 * ANSWER_S
        while not self._over.wait(self._every_s):
            if (blocked_s := time.monotonic() - self._beat_s) > longest_s:
                _end("event_loop_blocked", blocked_s=round(blocked_s, 1))


def _end(event: str, **why: object) -> NoReturn:
    """End the process without closing anything: what is stuck may not let itself be closed."""
    threading.Timer(LAST_WORDS_S, os._exit, (RESTART,)).start()
    log.critical(event, exit_code=RESTART, **why)
    sys.stderr.flush()
    os._exit(RESTART)
