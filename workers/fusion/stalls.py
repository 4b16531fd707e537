"""Consumer lag that excuses a silent modality, from samples of where readers stand and where logs end.

A busy topic always has a few records under way, so a lag of zero is the wrong question. A reader keeps up
where it stands, by a sample a moment old, at least where the log ended a moment before that. The moment is
long enough for what it has dealt with to have arrived downstream.

Lag is asked of the broker only while a party, or a modality that others wait for, has been silent for a
quarter of the stall time. It is that of the modality's whole topic: a producer held up by one partition is
silent in all.
"""

from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

import structlog

from affectstream.runtime.kafka.lag import ConsumerProgress, Reader
from affectstream.schemas.errors import Unavailable
from affectstream.schemas.messages import Modality
from affectstream.schemas.topics import ASR_GROUP, CHUNKS, MEDIA

log = structlog.get_logger(__name__)

CHECKS_PER_STALL = 10
SHORTEST_MS, LONGEST_MS = 50, 1000  # between checks
OWN, RECOGNISER = "fusion", "asr"


@dataclass(frozen=True)
class Sample:
    """Per partition where the log ended and where the reader stood."""

    at_ms: int
    ends: Mapping[int, int]
    stands: Mapping[int, int]


class LagHistory:
    """The last samples of some readers."""

    def __init__(self, moment_ms: int) -> None:
        self._moment_ms = moment_ms
        self._samples: dict[str, deque[Sample]] = {}

    def add(self, reader: str, sample: Sample) -> None:
        """Take note of a sample, later than any before."""
        samples = self._samples.setdefault(reader, deque())
        samples.append(sample)
        while samples[0].at_ms < sample.at_ms - 4 * self._moment_ms:
            samples.popleft()

    def lags(self, reader: str, now_ms: int) -> bool:
        """Say whether ``reader`` is behind, or is not known to keep up."""
        recent = [s for s in self._samples.get(reader, ()) if s.at_ms >= now_ms - 4 * self._moment_ms]
        settled = [s for s in recent if s.at_ms <= now_ms - self._moment_ms]
        if not settled:
            return True
        last = settled[-1]
        first = next(s for s in settled if s.at_ms >= last.at_ms - self._moment_ms)
        return any(last.stands.get(partition, 0) < end for partition, end in first.ends.items())


class Meter(Protocol):
    """What is needed of ``affectstream.runtime.kafka.lag.LagProbe``."""

    async def progress(self, readers: Collection[Reader]) -> Mapping[Reader, Mapping[int, ConsumerProgress]]:
        """Return how far each group is in its topic; raises Unavailable."""


class LagWatch:
    """The lag of the three workers, and of the agent itself, while somebody is silent."""

    def __init__(self, meter: Meter, stall_ms: int, recognised: bool = False) -> None:
        """With ``recognised`` words come from the recogniser too, which reads the sound."""
        self._readers = {str(modality): (topic.name, topic.group) for modality, topic in MEDIA.items()}
        if recognised:
            self._readers[RECOGNISER] = CHUNKS.name, ASR_GROUP
        self.every_ms = min(max(stall_ms // CHECKS_PER_STALL, SHORTEST_MS), LONGEST_MS)
        self._meter = meter
        self._worth_asking_ms = stall_ms // 4
        self._history = LagHistory(2 * self.every_ms)
        self._now_ms = 0

    async def sample(
        self, now_ms: int, silence_ms: int, ends: Mapping[int, int], stands: Mapping[int, int]
    ) -> None:
        """Take note of where everybody stands; ``ends`` and ``stands`` are the agent's own."""
        self._now_ms = now_ms
        if silence_ms < self._worth_asking_ms:
            return
        self._history.add(OWN, Sample(now_ms, ends, stands))
        try:
            found = await self._meter.progress(self._readers.values())
        except Unavailable as error:
            log.warning("lag_unknown", error=str(error))
            return
        for name, reader in self._readers.items():
            ended = {number: each.end for number, each in found[reader].items()}
            reached = {number: each.reached for number, each in found[reader].items()}
            self._history.add(name, Sample(now_ms, ended, reached))

    def has_lag(self, modality: Modality) -> bool:
        """Say whether observations of ``modality`` may still be on their way."""
        readers: list[str] = [modality, OWN]
        if modality == "text" and RECOGNISER in self._readers:
            readers.append(RECOGNISER)
        return any(self._history.lags(reader, self._now_ms) for reader in readers)
