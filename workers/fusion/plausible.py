"""What of a party is held until its neighbours show whether its times are right.

A clock that is wrong must not move a watermark: what leaps ahead is held, and counts once others keep its
promise, its stream ends after it, or stalls. What starts before the promise shows it to be wrong.
"""

import math
from collections.abc import Callable

from affectstream.schemas.messages import Modality
from affectstream.schemas.observations import Abstention, Observation, Probabilities
from affectstream.workers.fusion.admission import DUPLICATE, Admission
from affectstream.workers.fusion.modality import LEAP_MS, ModalityProgress
from affectstream.workers.fusion.watermark import PartyProgress

KEPT_BY = 3  # later observations that keep a promise make it believed

Add = Callable[[Probabilities | Abstention, int], Admission]  # an observation that counts, with its offset


class Weighing:
    """The held observations of a party's modalities, and what became of them."""

    def __init__(self, progress: PartyProgress) -> None:
        self.settled: list[tuple[Admission, Observation, int]] = []  # what was held, with its offset
        self._progress = progress

    def weigh(self, item: Probabilities | Abstention, offset: int, add: Add) -> Admission:
        """Hold an observation that leaps ahead, or settle by it what is held; add any other."""
        progress = self._progress.of(item.modality)
        if not progress.held and self._progress.neighbour_ms(item.modality) == -math.inf:
            return self._believed(item, offset, add)
        if any(item.seq == each.seq and item.start_ms == each.start_ms for each, _ in progress.held):
            return DUPLICATE
        if (item.start_ms, item.seq) <= progress.newest and progress.numbers().passed(item):
            return self._believed(item, offset, add)
        self._refute(progress, item.start_ms)
        leap_ms = item.watermark_ms - self._progress.neighbour_ms(item.modality)
        if progress.held or LEAP_MS < leap_ms < math.inf:
            progress.held = [*progress.held, (item, offset)]
            progress.advanced = self._progress.idle.advanced = True
            progress.weigh_next()
            if len(progress.held) > KEPT_BY:
                self.settle(item.modality, None, add)
            return Admission.HELD
        return self._believed(item, offset, add)

    def settle(self, modality: Modality, next_ms: int | None, add: Add) -> None:
        """Add what is held of a modality; but what ``next_ms``, the time of its end, shows to be wrong."""
        progress = self._progress.of(modality)
        if next_ms is not None:
            self._refute(progress, next_ms)
        held, progress.held = progress.held, ()
        for item, offset in held:
            self.settled.append((self._believed(item, offset, add), item, offset))

    def settle_stalled(self, add: Add) -> None:
        """Add what is held of modalities that have stalled."""
        for modality, progress in self._progress.held():
            if progress.stalled:
                self.settle(modality, None, add)

    def settle_all(self, add: Add) -> None:
        """Add all that is held."""
        for modality, _ in self._progress.held():
            self.settle(modality, None, add)

    def _refute(self, progress: ModalityProgress, next_ms: int) -> None:
        """Give up what promises that nothing starts as early as the next message does."""
        while progress.held and next_ms + LEAP_MS < progress.held[-1][0].watermark_ms:
            *rest, (item, offset) = progress.held
            progress.held = rest
            self.settled.append((Admission.IMPLAUSIBLE, item, offset))
        progress.weigh_next()

    def _believed(self, item: Probabilities | Abstention, offset: int, add: Add) -> Admission:
        """Add an observation whatever its time."""
        progress = self._progress.of(item.modality)
        progress.leap_ms = math.inf
        admission = add(item, offset)
        self._progress.of(item.modality).weigh_next()
        return admission
