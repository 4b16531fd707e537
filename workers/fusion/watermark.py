"""How far one modality of one party has come, in its own time."""

import math
from dataclasses import dataclass

Rank = tuple[int, int]  # (start_ms, seq): first appearances arrive in this order
BEFORE_ALL: Rank = (-1, -1)


@dataclass(slots=True)
class Clock:
    """The watermark of a modality, the newest observation, and since when it keeps others waiting."""

    watermark_ms: float = -math.inf  # the largest settled_ms; infinite at the end of the stream
    newest: Rank = BEFORE_ALL
    ended: bool = False
    stalled: bool = False
    heard: bool = True  # something new since the last look
    waiting_since_ms: int = 0  # on the clock of the looks

    def advance(self, rank: Rank, settled_ms: int) -> bool:
        """Take note of an observation; False where it, or a newer one, was here before."""
        if rank <= self.newest:
            return False
        self.newest = rank
        self._move(settled_ms)
        return True

    def end(self) -> bool:
        """Take note of the end of the stream; False where it was known."""
        if self.ended:
            return False
        self.ended = True
        self._move(math.inf)
        return True

    def look(self, now_ms: int, holding: bool) -> int:
        """Return how long this modality has been silent while ``holding`` others back."""
        if self.heard or not holding:
            self.waiting_since_ms = now_ms
        self.heard = False
        return now_ms - self.waiting_since_ms

    def _move(self, settled_ms: float) -> None:
        self.watermark_ms = max(self.watermark_ms, settled_ms)
        self.heard = True
        self.stalled = False
