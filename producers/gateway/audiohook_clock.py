"""The position of an AudioHook stream: the samples that were received, and what the client discarded."""

from dataclasses import dataclass

from affectstream.producers.gateway.events import Heard

NS_PER_MS, NS_PER_S = 1_000_000, 1_000_000_000
TOLERANCE_NS = 100 * NS_PER_MS  # that the client's position may differ from ours


@dataclass
class StreamClock:
    """A client's clock, exact to the sample."""

    rate_hz: int = 1
    skipped_ns: int = 0  # where it began, and what was discarded since
    shift_ns: int = 0  # from the client's position to the time of the call
    samples: int = 0
    index: int = 0  # of the newest frame

    @property
    def position_ns(self) -> int:
        """Return how far the stream has come."""
        return self.skipped_ns + self.samples * NS_PER_S // self.rate_hz

    def begin(self, heard: Heard | None) -> int | None:
        """Fit the client's clock to the call; returns the position up to which all was heard before.

        A clock that goes on from an earlier stream's stays as it is; one that begins anew goes on where the
        call is now.
        """
        position_ns = self.position_ns
        if heard is None:
            self.shift_ns = -position_ns
        elif position_ns == 0:
            self.shift_ns = max(heard.head_ms, heard.now_ms) * NS_PER_MS
        elif position_ns < heard.head_ms * NS_PER_MS:
            return heard.head_ms * NS_PER_MS
        return None

    def take(self, samples: int) -> tuple[int, int]:
        """Count a frame; returns the time of its first sample in ms of the call, and its index."""
        at_ms = max(0, self.position_ns + self.shift_ns) // NS_PER_MS
        self.samples += samples
        self.index += 1
        return at_ms, self.index

    def discard(self, discarded_ns: int) -> None:
        """Leave a gap: the next frame does not follow on the one before."""
        if discarded_ns:
            self.skipped_ns += discarded_ns
            self.index += 1

    def differs(self, position_ns: int) -> bool:
        """Say whether the client has the stream's position elsewhere."""
        return abs(position_ns - self.position_ns) > TOLERANCE_NS
