"""When a message of a session is due: the event time at which whoever sends it can send it."""

from typing import Protocol

from affectstream.schemas.alert import Alert
from affectstream.schemas.messages import EndOfStream, FusedEmotion, Media, Observations

WAIT_MS = 8_000  # a longer utterance is sent so long after its start: its windows wait no longer for its end

Timed = Media | EndOfStream | Observations | FusedEmotion | Alert  # what travels of a session


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


def due_ms(message: Timed) -> int:
    """Return when a message is due: a frame, a chunk, an utterance, what was made of them, at its end."""
    if isinstance(message, Observations):
        return max(text_due_ms(item) if item.modality == "text" else item.end_ms for item in message.items)
    return text_due_ms(message) if message.type == "transcript" else message.end_ms
