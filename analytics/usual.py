"""A party's usual voice, and what the voice says relative to it.

What a voice model makes of a speaker whom it never heard is off by about the same in all that they say. So
the mean of its log probabilities over a party's first minute is compared with that of routine calls, and what
lies between them is taken off. What is gained by it: docs/experiments/party-baseline.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log

from affectstream.schemas.fields import Distribution
from affectstream.schemas.labels import N_EMOTIONS
from affectstream.schemas.messages import FusedEmotion, ModalityState

Logs = tuple[float, ...]  # (7,)

FLOOR = 1e-3  # probabilities below are noise
SURE_AT_MS = 4_000  # of speech, at which the own mean counts as much as that of routine calls


def voice_of(window: FusedEmotion) -> ModalityState | None:
    """Return the voice's part in a window that has evidence; None without one."""
    if window.p is None:
        return None
    return next((s for s in window.modalities if s.modality == "audio" and s.p is not None), None)


def logs(p: Sequence[float]) -> Logs:
    """Return the logarithms of probabilities, none below that of ``FLOOR``."""
    return tuple(log(max(each, FLOOR)) for each in p)


@dataclass(frozen=True)
class Usual:
    """The mean of what the voice says of a party."""

    sums: Logs = (0.0,) * N_EMOTIONS  # of log probabilities times the milliseconds of their windows
    length_ms: int = 0

    def add(self, voice: Sequence[float], length_ms: int) -> "Usual":
        """Return the mean with one more window."""
        sums = tuple(s + length_ms * own for s, own in zip(self.sums, logs(voice), strict=True))
        return Usual(sums, self.length_ms + length_ms)

    @property
    def p(self) -> Distribution:
        """Return the mean as probabilities; of nothing, all are alike."""
        powers = [exp(s / max(1, self.length_ms)) for s in self.sums]
        return tuple(power / sum(powers) for power in powers)

    def relative(self, voice: Sequence[float], routine: Sequence[float]) -> Distribution:
        """Return what the voice would say (7,) were this mean that of a routine call.

        ``routine`` holds the geometric means (7,) of the model's probabilities on routine calls.
        """
        whole_ms = self.length_ms + SURE_AT_MS
        shift = [(s - self.length_ms * r) / whole_ms for s, r in zip(self.sums, logs(routine), strict=True)]
        powers = [exp(own - each) for own, each in zip(logs(voice), shift, strict=True)]
        return tuple(power / sum(powers) for power in powers)


UNKNOWN = Usual()
