"""The spans of a stream that may not be analysed: its pauses, and where consent is lacking; pure.

A span begins where the stream had come when it was paused, and ends with the first thing that comes after::

    frames    | a | b | c | d | . | . | e |       c and d came in the pause, e after it
    span              |---------------|           what a, b and e say is kept; c and d are silence
"""

import math
from dataclasses import dataclass, replace

from affectstream.schemas.messages import Reason


@dataclass(frozen=True)
class Span:
    """A part of the stream, in ms of its own clock."""

    from_ms: float
    to_ms: float
    reason: Reason


class Pauses:
    """What is withheld of one stream."""

    def __init__(self) -> None:
        self.reason: Reason | None = None  # why nothing may be analysed now
        self.steady = True  # nothing is withheld, and no span has to be ended by what comes next
        self._held: Reason | None = None  # by the operator or the consent, whatever the stream's protocol has
        self._paused = False
        self._spans: list[Span] = []

    @property
    def paused(self) -> bool:
        """Say whether the stream's protocol has paused it."""
        return self._paused

    def pause(self, head_ms: float) -> None:
        """Begin a pause of the stream's protocol where the stream has come."""
        self._paused = True
        self.hold(self._held)
        self.advance(head_ms, head_ms)

    def resume(self) -> None:
        """End the pause of the stream's protocol with what comes next."""
        self._paused = False
        self.hold(self._held)

    def hold(self, reason: Reason | None) -> None:
        """Withhold what comes from now on, by the operator or the consent; None: no longer."""
        self._held = reason
        self.reason = reason or (Reason.PAUSED if self._paused else None)
        self.steady = self.reason is None and not self._open

    def advance(self, head_ms: float, at_ms: float) -> None:
        """Begin or end a span: the stream has come to ``head_ms``, what comes now begins at ``at_ms``."""
        if self.steady:
            return
        if self._open and self._spans[-1].reason != self.reason:
            last = self._spans[-1]
            self._spans[-1] = replace(last, to_ms=max(last.from_ms, at_ms))
        if self.reason is not None and not self._open:
            self._spans.append(Span(head_ms, math.inf, self.reason))
        self.steady = self.reason is None

    def within(self, start_ms: float, end_ms: float) -> Reason | None:
        """Return why an interval, or an instant, is withheld, in whole or in part; None where it is not."""
        for span in reversed(self._spans):
            if span.to_ms <= start_ms:
                return None
            if span.from_ms < end_ms or span.from_ms == start_ms:
                return span.reason
        return None

    @property
    def _open(self) -> bool:
        return bool(self._spans) and self._spans[-1].to_ms == math.inf
