"""When to look for stalls, and whether a silent modality's input lags.

Lag is asked of the broker only while a party, or a modality that others wait for, has been silent for a
quarter of the stall time. It is that of the modality's whole topic: a producer held up by one partition is
silent in all.
"""

from collections.abc import Mapping

import structlog

from affectstream.runtime.kafka.lag import LagMeter
from affectstream.schemas.errors import Unavailable
from affectstream.schemas.messages import MODALITIES, Modality
from affectstream.schemas.topics import MEDIA
from affectstream.workers.fusion.lagging import LagHistory, Sample

log = structlog.get_logger(__name__)

LOOKS_PER_STALL = 10
SHORTEST_LOOK_MS, LONGEST_LOOK_MS = 50, 1000
OWN = "fusion"


class Watch:
    """The lag of the three workers, and of the agent itself, while somebody is silent."""

    def __init__(self, meter: LagMeter, stall_ms: int) -> None:
        self.every_ms = min(max(stall_ms // LOOKS_PER_STALL, SHORTEST_LOOK_MS), LONGEST_LOOK_MS)
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
        for modality in MODALITIES:
            try:
                found = await self._meter.standings(MEDIA[modality].name, f"affect-{modality}")
            except Unavailable as error:
                log.warning("lag_unknown", modality=modality, error=str(error))
                continue
            sample = Sample(
                now_ms,
                {number: standing.end for number, standing in found.items()},
                {number: standing.reached for number, standing in found.items()},
            )
            self._history.add(modality, sample)

    def has_lag(self, modality: Modality) -> bool:
        """Say whether observations of ``modality`` may still be on their way."""
        return self._history.lags(modality, self._now_ms) or self._history.lags(OWN, self._now_ms)
