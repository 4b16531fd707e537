"""A limit of how many messages come in a time: a token bucket on an injected clock."""

from collections.abc import Callable


class Rate:
    """A limit of messages: ``per_s`` of them for long, ``burst`` at once."""

    def __init__(self, per_s: float, burst: int, now_s: Callable[[], float]) -> None:
        self._per_s, self._burst, self._now_s = per_s, burst, now_s
        self._left, self._at_s = float(burst), now_s()

    def take(self) -> bool:
        """Say whether one more message is within the limit, and count it."""
        now_s = self._now_s()
        self._left = min(self._burst, self._left + (now_s - self._at_s) * self._per_s)
        self._at_s = now_s
        if self._left < 1:
            return False
        self._left -= 1
        return True
