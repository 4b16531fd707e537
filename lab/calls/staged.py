"""Routine calls into which a speaker's acted anger is spliced, and the same with other speech of theirs.

::

    0                        60 s             72 s or a little more      + 20 s
    | routine call as it is  | acted, by telephone | the call goes on    |
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from affectstream.lab.calls.acted import Speaker, loudness, reel
from affectstream.lab.calls.lines import LINE_HZ, at_rate
from affectstream.lab.calls.recordings import Recording

LEAD_S = 60.0  # what a baseline needs
SPLICE_S = 12.0
TAIL_S = 20.0
EMOTIONS = ("angry", "neutral", "happy")  # the first is to be found, the others are to raise no alarm


@dataclass(frozen=True)
class Staged:
    """A call with one splice."""

    speaker: Speaker
    emotion: str
    call: Recording
    start_ms: int  # of the splice
    end_ms: int


def staged(speakers: Sequence[Speaker], calls: Sequence[Recording]) -> Iterator[Staged]:
    """Yield a call for every speaker and emotion; the stretches of the calls take turns by speaker."""
    stretches = list(_stretches(calls))
    for number, speaker in enumerate(speakers):
        base = stretches[number % len(stretches)]
        level = loudness(base.samples)
        for emotion in EMOTIONS:
            splice = reel(speaker, emotion, SPLICE_S, level)
            lead = base.part(0, LEAD_S)
            whole = np.concatenate([lead, splice, base.part(LEAD_S, LEAD_S + TAIL_S)])
            end_ms = round((LEAD_S + len(splice) / LINE_HZ) * 1000)
            call = Recording(f"{base.name} with {speaker.title}, {emotion}", whole, LINE_HZ)
            yield Staged(speaker, emotion, call, round(LEAD_S * 1000), end_ms)


def _stretches(calls: Sequence[Recording]) -> Iterator[Recording]:
    """Yield every whole stretch of the calls at 8 kHz, as long as lead and tail together."""
    length_s = LEAD_S + TAIL_S
    for call in map(at_rate(LINE_HZ), calls):
        for start_s in np.arange(int(call.seconds / length_s)) * length_s:
            part = call.part(start_s, start_s + length_s)
            yield Recording(f"{call.name} from {start_s:g} s", part, LINE_HZ)
