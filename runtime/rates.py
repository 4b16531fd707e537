"""How often something may happen: a token bucket, and one for each of many keys; on injected clocks."""

import time
from collections import OrderedDict
from collections.abc import Callable

MOST_KEYS = 10_000  # the one that has not been seen for longest is forgotten

Clock = Callable[[], float]  # seconds


class Rate:
    """A limit: ``per_s`` events for long, ``burst`` of them at once."""

    def __init__(self, per_s: float, burst: float, now_s: Clock = time.monotonic) -> None:
        self._per_s, self._burst, self._now_s = per_s, max(1.0, burst), now_s
        self._left, self._at_s = self._burst, now_s()

    def take(self) -> bool:
        """Say whether one more event is within the limit, and count it where it is."""
        return not self.wait_s()

    def wait_s(self) -> float:
        """Return how long one more event has to wait; 0 where it need not, and it counts."""
        now_s = self._now_s()
        self._left = min(self._burst, self._left + (now_s - self._at_s) * self._per_s)
        self._at_s = now_s
        if self._left < 1 - 1e-9:
            return (1 - self._left) / self._per_s
        self._left -= 1
        return 0.0


class Rates:
    """A limit for each key, such as an address or a credential: ``per_minute``, ``burst`` at once."""

    def __init__(self, per_minute: int, burst: float, now_s: Clock = time.monotonic) -> None:
        self._per_minute, self._burst, self._now_s = per_minute, burst, now_s
        self._of: OrderedDict[str, Rate] = OrderedDict()

    def take(self, key: str) -> bool:
        """Say whether one more event of ``key`` is within the limit, and count it where it is."""
        return not self.wait_s(key)

    def wait_s(self, key: str) -> float:
        """Return how long one more event of ``key`` has to wait; 0 where it need not, and it counts."""
        rate = self._of.pop(key, None) or Rate(self._per_minute / 60, self._burst, self._now_s)
        self._of[key] = rate
        if len(self._of) > MOST_KEYS:
            self._of.popitem(last=False)
        return rate.wait_s()
