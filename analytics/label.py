"""The label that is displayed for a window: hysteresis, dwell and abstention as a fold over a party's finals.

Probabilities and the label of a window are never changed by it. An emotion that is the likeliest only because
the party's voice sounds like that all along is not displayed: what counts as usual is learnt from the party's
first minute of speech (``analytics.usual``).

A window without evidence ends the memory of labels, and with neither hysteresis nor dwell there is none
(``Display.memoryless``): then a reader needs the usual voice only, and may start anywhere. Otherwise no fixed
number of windows before it is enough, since a label under hysteresis may stay for a whole call: a reader that
starts in the middle folds over the stored stream from its beginning.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import Any

from affectstream.analytics.usual import UNKNOWN, Routine, Usual, learnt, relative, shipped
from affectstream.models.fusion.parameters import available
from affectstream.schemas.labels import EMOTIONS, INDEX, top
from affectstream.schemas.messages import FusedEmotion, Party

CALM = EMOTIONS[0]  # is displayed however usual


@dataclass(frozen=True)
class Display:
    """When the displayed label changes, and when there is none."""

    hysteresis: float = 0.0  # by how much another probability must lead
    dwell_ms: int = 0  # for how long a label stays at least, in event time
    min_probability: float | None = None  # below it no label is displayed; None: as fitted for the rule
    fitted: Mapping[str, float] = field(default_factory=dict)  # rule: fitted minimum
    routine: Routine = field(default_factory=dict)  # what usual voices are compared with; empty: nothing

    @property
    def memoryless(self) -> bool:
        """Whether the displayed label of a window depends on that window and the usual voice alone."""
        return self.hysteresis == 0.0 and self.dwell_ms == 0

    def gives_way(self, lead: float, since_ms: int, now_ms: int) -> bool:
        """Say whether a label displayed since a time gives way to one that is so much more probable."""
        return lead >= self.hysteresis and now_ms - since_ms >= self.dwell_ms

    def minimum(self, rule: str) -> float:
        """Return the least probability that is displayed, for a final's rule (``name/hash+override``)."""
        if self.min_probability is not None:
            return self.min_probability
        return self.fitted.get(rule.partition("+")[0].partition("/")[0], 0.0)

    def certain(self, usual: Usual, window: FusedEmotion) -> bool:
        """Say whether a window is sure enough for a label, in a voice of which so much is known."""
        p = relative(usual, window, self.routine)
        if window.p is None or p is None or max(window.p) < self.minimum(window.rule):
            return False
        return window.label in (CALM, top(p))


def display_as(label: Mapping[str, Any], fitted: Path | None) -> Display:
    """Return when a label is displayed, from the settings of it and the fitted file (None: the shipped one).

    Raises SettingsError for a file that cannot be read.
    """
    found = available(fitted)
    own = dict(label)
    routine = shipped() if own.pop("usual") else {}
    return Display(**own, fitted=found.abstain if found else {}, routine=routine)


@dataclass(frozen=True, slots=True)
class DisplayedLabel:
    """What is displayed for one window, which is also all that the next one needs to know."""

    label: str | None = None  # None where that is uncertain or there is no evidence
    smoothed: str | None = None  # under hysteresis and dwell, however uncertain
    since_ms: int | None = None  # start of the window that ``smoothed`` begins with
    usual: Usual = UNKNOWN  # the party's voice, up to this window

    @property
    def uncertain(self) -> bool:
        """Whether there is evidence, but too little for a label."""
        return self.label is None and self.smoothed is not None


NOTHING = DisplayedLabel()


def step(display: Display, before: DisplayedLabel, window: FusedEmotion) -> DisplayedLabel:
    """Return what is displayed for a window, given what was for the final before it (``NOTHING`` at first).

    An early pane is displayed by the same step; it is no part of the fold.
    """
    if window.p is None or window.label is None:
        return DisplayedLabel(usual=before.usual)
    smoothed, since_ms = window.label, window.start_ms
    if before.smoothed is not None and before.since_ms is not None:
        lead = window.p[INDEX[window.label]] - window.p[INDEX[before.smoothed]]
        stays = window.label == before.smoothed
        if stays or not display.gives_way(lead, before.since_ms, window.start_ms):
            smoothed, since_ms = before.smoothed, before.since_ms
    shown = smoothed if display.certain(before.usual, window) else None
    return DisplayedLabel(shown, smoothed, since_ms, learnt(before.usual, window, display.routine))


def fold(display: Display, before: DisplayedLabel, finals: Iterable[FusedEmotion]) -> list[DisplayedLabel]:
    """Return what is displayed for each of one party's finals in order, after ``before``."""
    return list(accumulate(finals, partial(step, display), initial=before))[1:]


def labels(display: Display, finals: Iterable[FusedEmotion]) -> list[DisplayedLabel]:
    """Return what is displayed for each final, of any parties, each party's in the order of its windows."""
    parties = LabelFold(display)
    return [parties.add(window) for window in finals]


class LabelFold:
    """Displayed labels of panes as they arrive, for any number of parties."""

    def __init__(self, display: Display) -> None:
        self._display = display
        self._parties: dict[tuple[str, Party], tuple[int, DisplayedLabel]] = {}  # end of the last final

    def add(self, pane: FusedEmotion) -> DisplayedLabel:
        """Return what is displayed for a pane; a final that is later than those before goes into the fold."""
        key = pane.session_id, pane.party
        end_ms, before = self._parties.get(key, (-1, NOTHING))
        displayed = step(self._display, before, pane)
        if pane.pane == "final" and pane.end_ms > end_ms:
            self._parties[key] = pane.end_ms, displayed
        return displayed
