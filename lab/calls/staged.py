"""A speaker's neutral speech into which their acted anger is spliced, and the same with other speech.

::

    0                     60 s or a little more    + 12 s          + 20 s
    | the speaker, neutral | acted                 | neutral again |

All of it is by telephone, at the level of a routine call. The neutral speech around a splice is of other
recordings than that of a neutral splice; where there are too few, they come again.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from affectstream.lab.calls import judge
from affectstream.lab.calls.acted import Speaker, loudness, reel
from affectstream.lab.calls.judge import Figures, Finals
from affectstream.lab.calls.lines import LINE_HZ, at_rate
from affectstream.lab.calls.recordings import Recording
from affectstream.schemas.alert import Alert

LEAD_S = 60.0  # what a party's own level needs
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
    """Yield a call for every speaker and emotion; the levels of the calls take turns by speaker."""
    levels = [loudness(at_rate(LINE_HZ)(call).samples) for call in calls]
    for number, speaker in enumerate(speakers):
        level = levels[number % len(levels)]
        ordinary = speaker.part("neutral", 0)
        lead, tail = reel(ordinary, "neutral", LEAD_S, level), reel(ordinary, "neutral", TAIL_S, level)
        for emotion in EMOTIONS:
            acting = speaker.part("neutral", 1) if emotion == "neutral" else speaker
            splice = reel(acting, emotion, SPLICE_S, level)
            start_s, end_s = len(lead) / LINE_HZ, (len(lead) + len(splice)) / LINE_HZ
            whole = Recording(f"{speaker.title}, {emotion}", np.concatenate([lead, splice, tail]), LINE_HZ)
            yield Staged(speaker, emotion, whole, round(start_s * 1000), round(end_s * 1000))


@dataclass(frozen=True)
class Outcome:
    """What came of one staged call."""

    emotion: str
    delay_s: float | None  # from the begin of the splice to the first alarm in it
    outside: int  # alarms for anger before it and after it
    others: int  # alerts of all other rules
    seconds: float
    windows: int  # with evidence, within the splice
    right: int  # of them, with the acted emotion as the likeliest


def outcome(call: Staged, finals: Finals, began: Sequence[Alert], for_anger: Collection[str]) -> Outcome:
    """Return what came of a staged call, from its finals and the alerts that begin in it.

    ``for_anger`` names the rules whose alerts are alarms for anger.
    """
    alarms = [alert for alert in began if alert.rule in for_anger]
    inside = [a for a in alarms if call.start_ms < a.end_ms <= call.end_ms + AFTER_MS]
    windows, right = judge.within(finals, call.start_ms, call.end_ms, call.emotion)
    delay_s = min(((a.end_ms - call.start_ms) / 1000 for a in inside), default=None)
    return Outcome(
        call.emotion,
        delay_s,
        outside=len(alarms) - len(inside),
        others=len(began) - len(alarms),
        seconds=call.call.seconds,
        windows=windows,
        right=right,
    )


def row(outcomes: Sequence[Outcome]) -> Figures:
    """Return the figures of staged calls together."""
    by = {emotion: [o for o in outcomes if o.emotion == emotion] for emotion in EMOTIONS}
    found = {e: sum(o.delay_s is not None for o in by[e]) for e in EMOTIONS}
    delays = [o.delay_s for o in by["angry"] if o.delay_s is not None]
    outside, seconds = sum(o.outside for o in outcomes), sum(o.seconds for o in outcomes)
    calm = by["neutral"]
    in_calm = found["neutral"] + sum(o.outside + o.others for o in calm)
    raised = sum(found.values()) + outside
    return {
        "calls": len(by["angry"]),
        "recall": judge.share(found["angry"], len(by["angry"])),
        **({"delay": round(float(np.median(delays)), 2)} if delays else {}),
        "raised by neutral": judge.share(found["neutral"], len(by["neutral"])),
        "raised by happy": judge.share(found["happy"], len(by["happy"])),
        "elsewhere an hour": round(outside * 3600 / seconds, 2),
        "calm an hour": round(in_calm * 3600 / sum(o.seconds for o in calm), 2),
        "precision": judge.share(found["angry"], raised),
        **{f"{emotion} windows": _right(of) for emotion, of in by.items()},
    }


def _right(outcomes: Sequence[Outcome]) -> float:
    return judge.share(sum(o.right for o in outcomes), sum(o.windows for o in outcomes))
