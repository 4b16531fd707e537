"""What a timeline shows of a party: its smoothed course, and notes of what happened."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from affectstream.analytics.against_usual import against_usual
from affectstream.analytics.changes import episodes, turning_points
from affectstream.analytics.label import NOTHING, Display, DisplayedLabel, fold
from affectstream.schemas.alert import Alert
from affectstream.schemas.conflict import WORDS
from affectstream.schemas.fields import Distribution
from affectstream.schemas.labels import EMOTIONS
from affectstream.schemas.messages import PARTIES, FusedEmotion, Modality

LANES = 8  # more do not fit; what finds no place loses its text
CHARACTER = 0.0062  # of the picture's width
GAP = 0.01
ALERT, CONTRADICTION, TURN = "#111111", "#9a8b7c", "#555555"


@dataclass(frozen=True)
class Note:
    """One note: a bar with a text above it, or a marker where it has no length. Times in seconds."""

    start_s: float
    end_s: float
    text: str
    colour: str

    def text_s(self, length_s: float) -> float:
        """Return where its text begins in a call of this length: with it, or sooner to end with the call."""
        return max(0.0, min(self.start_s, length_s - CHARACTER * len(self.text) * length_s))

    def takes(self, length_s: float) -> tuple[float, float]:
        """Return from when to when it takes its lane."""
        begin_s = self.text_s(length_s)
        return begin_s, max(self.end_s, begin_s + (CHARACTER * len(self.text) + GAP) * length_s)


class Side(NamedTuple):
    """One party's windows, what is displayed for them, and what happened to it."""

    party: str
    finals: Sequence[FusedEmotion]
    shown: Sequence[DisplayedLabel]
    p: Sequence[Distribution | None]  # with what is usual of the voice taken off
    notes: Sequence[Sequence[Note]]  # by lane
    modalities: Sequence[Modality]


def sides_of(finals: Sequence[FusedEmotion], display: Display, alerts: Sequence[Alert]) -> list[Side]:
    """Return the parties that have windows, in their usual order; times are from the first window of all."""
    origin_ms = min(f.start_ms for f in finals)
    length_s = (max(f.end_ms for f in finals) - origin_ms) / 1000
    found = []
    for party in PARTIES:
        mine = sorted((f for f in finals if f.party == party), key=lambda f: f.end_ms)
        seen = against_usual(display, mine)
        noted = notes_of(mine, seen, [a for a in alerts if a.party == party], origin_ms)
        expected = [m for m in WORDS if any(s.modality == m for f in mine for s in f.modalities)]
        shown = fold(display, NOTHING, mine)
        found.append(Side(party, mine, shown, [f.p for f in seen], lanes(noted, length_s), expected))
    return [side for side in found if side.finals]


def notes_of(
    finals: Sequence[FusedEmotion], seen: Sequence[FusedEmotion], alerts: Sequence[Alert], origin_ms: int
) -> list[Note]:
    """Return the notes of one party: alerts first, then contradictions, then turning points.

    ``seen`` are the finals with what is usual of the voice taken off, whose contradictions are noted.
    """

    def seconds(ms: int) -> float:
        return (ms - origin_ms) / 1000

    ends = {alert.alert_id: seconds(alert.start_ms) for alert in alerts if alert.edge == "end"}
    last = seconds(finals[-1].end_ms) if finals else 0.0
    found = [
        Note(seconds(a.since_ms), ends.get(a.alert_id, last), f"ALERT {_short(a)}", ALERT)
        for a in alerts
        if a.edge == "begin"
    ]
    found += [Note(seconds(e.start_ms), seconds(e.end_ms), e.text, CONTRADICTION) for e in episodes(seen)]
    turns = ((seconds(t.at_ms), f"{t.before} to {t.after}") for t in turning_points(finals))
    return found + [Note(at, at, text, TURN) for at, text in turns]


def _short(alert: Alert) -> str:
    own = "" if alert.baseline is None or alert.kind == "rise" else f", own level {alert.baseline:.2f}"
    levels = ", ".join(f"{WORDS[each.modality]} {each.level:.2f}" for each in alert.levels)
    return f"{alert.rule} {alert.value:.2f} of {alert.level:.2f}{own}" + (f" ({levels})" if levels else "")


def lanes(notes: Iterable[Note], length_s: float) -> list[list[Note]]:
    """Return the notes in lanes in which they do not overlap, each in the first that has room.

    One that has room in none of ``LANES`` goes into the last, without its text.
    """
    taken: list[list[Note]] = []
    for note in notes:
        lane = next((lane for lane in taken if _free(lane, note, length_s)), None)
        if lane is not None:
            lane.append(note)
        elif len(taken) < LANES:
            taken.append([note])
        else:
            taken[-1].append(replace(note, text=""))
    return taken


def _free(lane: Sequence[Note], note: Note, length_s: float) -> bool:
    begin_s, end_s = note.takes(length_s)
    spans = (other.takes(length_s) for other in lane)
    return all(end_s <= other_begin_s or other_end_s <= begin_s for other_begin_s, other_end_s in spans)


def smoothed(
    p: Sequence[tuple[float, ...] | None], middles: NDArray[np.float64], smoothing_s: float
) -> NDArray[np.float64]:
    """Return the running means (windows, 7) over ``smoothing_s`` centred on each window.

    They are over the windows with evidence; NaN where there is none within half of ``smoothing_s``.
    """
    known = np.array([i for i, one in enumerate(p) if one is not None], dtype=np.int64)
    values = np.array([p[i] for i in known]).reshape(-1, len(EMOTIONS))
    total = np.vstack([np.zeros(len(EMOTIONS)), np.cumsum(values, axis=0)])
    first = np.searchsorted(middles[known], middles - smoothing_s / 2, side="left")
    last = np.searchsorted(middles[known], middles + smoothing_s / 2, side="right")
    count = np.where(last > first, last - first, np.nan)[:, np.newaxis]
    means: NDArray[np.float64] = (total[last] - total[first]) / count
    return means
