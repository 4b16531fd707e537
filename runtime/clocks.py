"""The clocks of a process, in milliseconds: the wall clock of event times, and one that never goes back."""

import time


def wall_ms() -> int:
    """Return the milliseconds since the Unix epoch."""
    return time.time_ns() // 1_000_000


def monotonic_ms() -> int:
    """Return a clock that never goes back, for durations."""
    return time.monotonic_ns() // 1_000_000
