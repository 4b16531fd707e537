"""Turns a tenth of a second after they were asked for, those of ten milliseconds at once.

Thousands of timers a second would cost what reading together saves.
"""

import asyncio
from collections import deque
from collections.abc import Callable

ROUND_S = 0.1  # from asking to the turn
TOGETHER_S = 0.01  # turns that were asked for within it are one round
EARLY_S = 0.001  # by the resolution of the loop's clock

Turn = Callable[[], None]


class Rounds:
    """The rounds of one event loop."""

    def __init__(self) -> None:
        self._rounds: deque[tuple[float, list[Turn]]] = deque()  # when it began, and whose turns it holds

    def ask(self, turn: Turn) -> None:
        """Call ``turn`` in ``ROUND_S``."""
        loop = asyncio.get_running_loop()
        now_s = loop.time()
        if self._rounds and now_s - self._rounds[-1][0] < TOGETHER_S:
            self._rounds[-1][1].append(turn)
            return
        if not self._rounds:
            loop.call_later(ROUND_S, self._take, loop)
        self._rounds.append((now_s, [turn]))

    def _take(self, loop: asyncio.AbstractEventLoop) -> None:
        due_s = loop.time() - ROUND_S + EARLY_S
        while self._rounds and self._rounds[0][0] <= due_s:
            for turn in self._rounds.popleft()[1]:
                loop.call_soon(turn)  # one that fails is no other's business
        if self._rounds:
            loop.call_at(self._rounds[0][0] + ROUND_S, self._take, loop)
