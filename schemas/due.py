"""When a message of a session is due: the event time at which whoever sends it can send it."""

from typing import Protocol

WAIT_MS = 8_000  # a longer utterance is sent so long after its start: its windows wait no longer for its end


class Interval(Protocol):
    """What spans a time."""

    @property
    def start_ms(self) -> int:
        """When it starts."""

    @property
    def end_ms(self) -> int:
        """When it ends."""


def text_due_ms(interval: Interval) -> int:
    """Return when the words of an interval are due: at its end, and those of a long one before."""
    return min(interval.end_ms, interval.start_ms + WAIT_MS)
