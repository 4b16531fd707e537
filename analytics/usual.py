"""A party's usual voice, and what the voice says relative to it.

What a voice model makes of a speaker whom it never heard is off by about the same in all that they say. So
the mean of its log probabilities over a party's first minute is compared with that of routine calls, and what
lies between them is taken off. What is gained by it: docs/experiments/party-baseline.md.
"""

import tomllib
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from math import exp, inf, log

from affectstream.schemas.fields import Distribution
from affectstream.schemas.labels import EMOTIONS, N_EMOTIONS
from affectstream.schemas.messages import FusedEmotion, ModalityState

Logs = tuple[float, ...]  # (7,)
Routine = Mapping[str, Distribution]  # what each voice model makes of routine calls: geometric means (7,)

SHIPPED = "routine.toml"  # beside this module
FLOOR = 1e-3  # probabilities below are noise
SURE_AT_MS = 4_000  # of speech, at which the own mean counts as much as that of routine calls
OWN_MS = 60_000  # how much of a party makes what is its own
LEAST_OWN_MS = 10_000  # with less there is nothing yet
MOST = 1.0  # of a log probability, that is taken off of what is displayed: a factor of 2.7
MOST_ADDED = 1.5  # to that of an emotion of which less is usual than on routine calls: a factor of 4.5
NOTHING: Logs = (0.0,) * N_EMOTIONS
LEAST: Logs = tuple(-inf if name == "neutral" else -MOST_ADDED for name in EMOTIONS)  # that is taken off


@cache
def shipped() -> Routine:
    """Return what the shipped voice models make of routine calls."""
    table = tomllib.loads((files(__package__) / SHIPPED).read_text(encoding="utf-8"))
    return {model: tuple(p) for model, p in table.items()}


def voice_of(window: FusedEmotion) -> ModalityState | None:
    """Return the voice's part in a window that has evidence; None without one."""
    if window.p is None:
        return None
    return next((s for s in window.modalities if s.modality == "audio" and s.p is not None), None)


def logs(p: Sequence[float]) -> Logs:
    """Return the logarithms of probabilities, none below that of ``FLOOR``."""
    return tuple([log(max(each, FLOOR)) for each in p])


@dataclass(frozen=True)
class Usual:
    """The mean of what the voice says of a party."""

    sums: Logs = (0.0,) * N_EMOTIONS  # of log probabilities times the milliseconds of their windows
    length_ms: int = 0

    def add(self, voice: Sequence[float], length_ms: int) -> "Usual":
        """Return the mean with one more window."""
        sums = tuple([s + length_ms * own for s, own in zip(self.sums, logs(voice), strict=True)])
        return Usual(sums, self.length_ms + length_ms)

    @property
    def p(self) -> Distribution:
        """Return the mean as probabilities; of nothing, all are alike."""
        powers = [exp(s / max(1, self.length_ms)) for s in self.sums]
        return tuple(power / sum(powers) for power in powers)

    def relative(self, voice: Sequence[float], routine: Sequence[float]) -> Distribution:
        """Return what the voice would say (7,) were this mean that of a routine call.

        ``routine`` holds the geometric means (7,) of the model's probabilities on routine calls. At most
        ``MOST_ADDED`` is added to an emotion: of whoever is calmer than these calls are, the least change
        would count as much as anger does.
        """
        return _less(voice, tuple([max(*pair) for pair in zip(self.shift(routine), LEAST, strict=True)]))

    def shift(self, routine: Sequence[float]) -> Logs:
        """Return by how much (7,) the log probabilities lie above those of a routine call."""
        whole_ms = self.length_ms + SURE_AT_MS
        pairs = zip(self.sums, logs(routine), strict=True)
        return tuple((own - self.length_ms * each) / whole_ms for own, each in pairs)


UNKNOWN = Usual()
Heard = tuple[int, Usual]  # end of a window, and the usual voice of its party after it


def learnt(usual: Usual, window: FusedEmotion, routine: Routine) -> Usual:
    """Return the usual voice with one more window, where that still counts and has a voice that is known."""
    voice = known_voice(window, routine) if usual.length_ms < OWN_MS else None
    if voice is None or voice.p is None:
        return usual
    return usual.add(voice.p, window.end_ms - window.start_ms)


def added(before: Usual, window: FusedEmotion, routine: Routine) -> list[Heard]:
    """Return the usual voice after a window, where that adds to it."""
    after = learnt(before, window, routine)
    return [] if after is before else [(window.end_ms, after)]


def usual_by(heard: Sequence[Heard], end_ms: int) -> Usual:
    """Return the usual voice after the windows that end by a time."""
    place = bisect_right(heard, end_ms, key=lambda each: each[0]) - 1
    return heard[place][1] if place >= 0 else UNKNOWN


def taken_off(usual: Usual, window: FusedEmotion, routine: Routine) -> Logs:
    """Return what is taken off the logarithms (7,) of a window's probabilities for the party's usual voice.

    It is as much as the voice weighs in the window, and never more than ``MOST`` of an emotion: who is
    plainly angry in all of a call stays so. Nothing where there is no voice or too little of it is known.
    """
    voice = known_voice(window, routine) if usual.length_ms >= LEAST_OWN_MS else None
    if voice is None or not voice.weight:
        return NOTHING
    return tuple([voice.weight * each for each in _bounded(usual, routine[voice.model_id or ""])])


def relative(usual: Usual, window: FusedEmotion, routine: Routine) -> Distribution | None:
    """Return probabilities (7,) with what is usual of the voice taken off; None without evidence."""
    if window.p is None:
        return None
    off = taken_off(usual, window, routine)
    return window.p if off is NOTHING else _less(window.p, off)


def without(usual: Usual, window: FusedEmotion, routine: Routine) -> FusedEmotion:
    """Return a window with what is usual taken off its probabilities and off those of the voice by itself.

    How much its modalities disagree stays as it was.
    """
    voice = known_voice(window, routine) if usual.length_ms >= LEAST_OWN_MS else None
    if voice is None or voice.p is None:
        return window
    own = voice.model_copy(update={"p": _less(voice.p, _bounded(usual, routine[voice.model_id or ""]))})
    parts = tuple(own if state is voice else state for state in window.modalities)
    return window.model_copy(update={"p": relative(usual, window, routine), "modalities": parts})


def _less(p: Sequence[float], off: Logs) -> Distribution:
    powers = [exp(own - each) for own, each in zip(logs(p), off, strict=True)]
    return tuple(power / sum(powers) for power in powers)


def known_voice(window: FusedEmotion, routine: Routine) -> ModalityState | None:
    """Return the voice's part in a window with evidence, where it is of a model that is compared."""
    if window.p is None or not routine:
        return None
    for state in window.modalities:
        if state.modality == "audio" and state.model_id in routine:
            return state
    return None


@lru_cache(1024)
def _bounded(usual: Usual, routine: Distribution) -> Logs:
    return tuple(min(MOST, max(-MOST, each)) for each in usual.shift(routine))
