"""Rounds in which the connections of a server are read: the more there are, the longer a round is.

A connection that has been read rests until its round ends. With one call that is at once; with hundreds, what
came meanwhile is read and processed together. Those that were read within ten milliseconds share a round:
thousands of timers a second would cost what reading together saves.
"""

import asyncio
from collections import deque
from collections.abc import Callable

EACH_S = 0.0004  # of a round, for each connection
LONGEST_S = 0.2
TOGETHER_S = 0.01  # connections that were read within it share a round
EARLY_S = 0.001  # by the resolution of the loop's clock

Turn = Callable[[], None]


class Rounds:
    """The rounds of one event loop; ``connections`` is how many there are."""

    def __init__(self) -> None:
        self.connections = 0
        self._begun_s = 0.0  # the newest round
        self._rounds: deque[tuple[float, list[Turn]]] = deque()  # when each ends, and whose turns it holds

    def ask(self, turn: Turn) -> None:
        """Call ``turn`` at the end of a round that begins about now."""
        loop = asyncio.get_running_loop()
        now_s = loop.time()
        if self._rounds and now_s - self._begun_s < TOGETHER_S:
            self._rounds[-1][1].append(turn)
            return
        self._begun_s, end_s = now_s, now_s + min(self.connections * EACH_S, LONGEST_S)
        if not self._rounds:
            loop.call_at(end_s, self._end, loop)
        self._rounds.append((end_s, [turn]))

    def _end(self, loop: asyncio.AbstractEventLoop) -> None:
        now_s = loop.time() + EARLY_S
        while self._rounds and self._rounds[0][0] <= now_s:
            for turn in self._rounds.popleft()[1]:
                loop.call_soon(turn)  # one that fails is no other's business
        if self._rounds:
            loop.call_at(self._rounds[0][0], self._end, loop)
