"""Routine calls into which a speaker's acted anger is spliced, and the same with other speech of theirs.

::

    0                        60 s             72 s or a little more      + 20 s
    | routine call as it is  | acted, by telephone | the call goes on    |
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from affectstream.lab.calls import judge
from affectstream.lab.calls.acted import Speaker, loudness, reel
from affectstream.lab.calls.judge import Figures, Finals
from affectstream.lab.calls.lines import LINE_HZ, at_rate
from affectstream.lab.calls.recordings import Recording
from affectstream.schemas.alert import Alert

LEAD_S = 60.0  # what a baseline needs
SPLICE_S = 12.0
TAIL_S = 20.0
AFTER_MS = 3_000  # an alarm that comes so long after the splice is still the splice's
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


@dataclass(frozen=True)
class Outcome:
    """What came of one staged call."""

    emotion: str
    delay_s: float | None  # from the begin of the splice to the first alarm in it
    outside: int  # alarms before it and after it
    seconds: float
    windows: int  # with evidence, within the splice
    right: int  # of them, with the acted emotion as the likeliest


def outcome(call: Staged, finals: Finals, alarms: Sequence[Alert]) -> Outcome:
    """Return what came of a staged call, from its finals and the alarms for anger that begin in it."""
    inside = [a for a in alarms if call.start_ms < a.end_ms <= call.end_ms + AFTER_MS]
    windows, right = judge.within(finals, call.start_ms, call.end_ms, call.emotion)
    delay_s = min(((a.end_ms - call.start_ms) / 1000 for a in inside), default=None)
    return Outcome(call.emotion, delay_s, len(alarms) - len(inside), call.call.seconds, windows, right)


def row(outcomes: Sequence[Outcome]) -> Figures:
    """Return the figures of staged calls together."""
    by = {emotion: [o for o in outcomes if o.emotion == emotion] for emotion in EMOTIONS}
    found = {e: sum(o.delay_s is not None for o in by[e]) for e in EMOTIONS}
    delays = [o.delay_s for o in by["angry"] if o.delay_s is not None]
    outside, seconds = sum(o.outside for o in outcomes), sum(o.seconds for o in outcomes)
    raised = sum(found.values()) + outside
    return {
        "calls": len(by["angry"]),
        "recall": judge.share(found["angry"], len(by["angry"])),
        **({"delay": round(float(np.median(delays)), 2)} if delays else {}),
        "raised by neutral": judge.share(found["neutral"], len(by["neutral"])),
        "raised by happy": judge.share(found["happy"], len(by["happy"])),
        "elsewhere an hour": round(outside * 3600 / seconds, 2),
        "precision": judge.share(found["angry"], raised),
        **{f"{emotion} windows": _right(of) for emotion, of in by.items()},
    }


def _right(outcomes: Sequence[Outcome]) -> float:
    return judge.share(sum(o.right for o in outcomes), sum(o.windows for o in outcomes))
