"""A speaker's neutral speech into which their acted anger, sadness, fear, joy or neutral speech is spliced.

::

    0                     60 s or a little more    + 12 s          + 20 s
    | the speaker, neutral | acted                 | neutral again |

All of it is by telephone, at the level of a routine call. The neutral speech around a splice is of other
recordings than that of a neutral splice; where there are too few, they come again.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from affectstream.lab.calls import judge
from affectstream.lab.calls.acted import Speaker, loudness, reel
from affectstream.lab.calls.judge import Figures, Judged, Stretch
from affectstream.lab.calls.lines import LINE_HZ, at_rate
from affectstream.lab.calls.recordings import Recording
from affectstream.schemas.alert import Alert

LEAD_S = 60.0  # what a party's own level needs
SPLICE_S = 12.0
TAIL_S = 20.0
AFTER_MS = 3_000  # an alarm that comes so long after the splice is still the splice's
EMOTIONS = ("angry", "sad", "fear", "happy", "neutral")
AIMS = {"anger": ("angry",), "distress": ("sad", "fear")}
"""What alerts are for: the emotions that raise an alarm for it; others are to raise none."""


@dataclass(frozen=True)
class Staged:
    """A call with one splice."""

    speaker: Speaker
    emotion: str
    call: Recording
    start_ms: int  # of the splice
    end_ms: int


def staged(speakers: Sequence[Speaker], calls: Sequence[Recording]) -> Iterator[Staged]:
    """Yield a call for every speaker and emotion that they act; levels of the calls take turns by speaker."""
    levels = [loudness(at_rate(LINE_HZ)(call).samples) for call in calls]
    for number, speaker in enumerate(speakers):
        level = levels[number % len(levels)]
        ordinary = speaker.part("neutral", 0)
        lead, tail = reel(ordinary, "neutral", LEAD_S, level), reel(ordinary, "neutral", TAIL_S, level)
        for emotion in (each for each in EMOTIONS if each in speaker.clips):
            acting = speaker.part("neutral", 1) if emotion == "neutral" else speaker
            splice = reel(acting, emotion, SPLICE_S, level)
            start_s, end_s = len(lead) / LINE_HZ, (len(lead) + len(splice)) / LINE_HZ
            whole = Recording(f"{speaker.title}, {emotion}", np.concatenate([lead, splice, tail]), LINE_HZ)
            yield Staged(speaker, emotion, whole, round(start_s * 1000), round(end_s * 1000))


class Alarms(NamedTuple):
    """The alarms for one aim in a staged call."""

    delay_s: float | None  # from the begin of the splice to the first in it
    outside: int  # before it and after it


@dataclass(frozen=True)
class Outcome:
    """What came of one staged call."""

    emotion: str
    alarms: Mapping[str, Alarms]  # by aim
    alerts: int  # of any rule
    seconds: float
    splice: Stretch


def outcome(
    call: Staged, of: Judged, began: Sequence[Alert], rules: Mapping[str, Collection[str]]
) -> Outcome:
    """Return what came of a staged call, from what is displayed in it and the alerts that begin in it.

    ``rules`` names by aim those whose alerts are alarms for it.
    """
    splice = judge.within(of, call.start_ms, call.end_ms, call.emotion)
    alarms = {aim: _alarms(call, [a for a in began if a.rule in names]) for aim, names in rules.items()}
    return Outcome(call.emotion, alarms, len(began), call.call.seconds, splice)


def _alarms(call: Staged, began: Sequence[Alert]) -> Alarms:
    inside = [a.end_ms for a in began if call.start_ms < a.end_ms <= call.end_ms + AFTER_MS]
    return Alarms((min(inside) - call.start_ms) / 1000 if inside else None, len(began) - len(inside))


def alarms_for(aim: str, outcomes: Sequence[Outcome]) -> Figures:
    """Return how well the alarms for ``aim`` tell its emotions from the others in staged calls."""
    of = {emotion: [o.alarms[aim] for o in outcomes if o.emotion == emotion] for emotion in EMOTIONS}
    found = {emotion: sum(each.delay_s is not None for each in alarms) for emotion, alarms in of.items()}
    sought = [each for emotion in AIMS[aim] for each in of[emotion]]
    delays = [each.delay_s for each in sought if each.delay_s is not None]
    outside, seconds = sum(o.alarms[aim].outside for o in outcomes), sum(o.seconds for o in outcomes)
    return {
        "calls": len(sought),
        "recall": judge.share(len(delays), len(sought)),
        **({"delay": round(float(np.median(delays)), 2)} if delays else {}),
        **{f"raised by {e}": judge.share(found[e], len(alarms)) for e, alarms in of.items() if alarms},
        "elsewhere an hour": round(outside * 3600 / seconds, 2),
        "precision": judge.share(len(delays), sum(found.values()) + outside),
    }


def windows_of(outcomes: Sequence[Outcome]) -> Figures:
    """Return each emotion's share of its windows in which it is likeliest, and alerts of neutral calls."""
    of = {emotion: [o for o in outcomes if o.emotion == emotion] for emotion in EMOTIONS}
    seconds = sum(o.seconds for o in of["neutral"])
    return {
        **{
            e: judge.share(sum(o.splice.right for o in some), sum(o.splice.windows for o in some))
            for e, some in of.items()
            if some
        },
        "calm an hour": round(sum(o.alerts for o in of["neutral"]) * 3600 / seconds, 2),
    }


def displayed_in(outcomes: Sequence[Outcome]) -> Figures:
    """Return each emotion's share of windows that display it, and another; and that of emotions elsewhere."""
    figures: Figures = {}
    for emotion in EMOTIONS:
        of = [o.splice for o in outcomes if o.emotion == emotion]
        count = sum(splice.windows for splice in of)
        if count:
            figures[emotion] = judge.share(sum(splice.shown for splice in of), count)
            figures[f"{emotion} as another"] = judge.share(sum(splice.others for splice in of), count)
    around = [o.splice for o in outcomes]
    count = sum(splice.outside for splice in around)
    return figures | {"elsewhere": judge.share(sum(splice.emotions for splice in around), count)}
