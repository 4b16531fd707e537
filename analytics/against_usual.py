"""A party's finals with what is usual of their voice taken off: of these are summaries, turns and plots."""

from collections.abc import Sequence

import numpy as np

from affectstream.analytics.label import NOTHING, Display, fold
from affectstream.analytics.usual import UNKNOWN, without
from affectstream.models.fusion.evidence import disagreement
from affectstream.schemas.labels import N_EMOTIONS
from affectstream.schemas.messages import MODALITIES, FusedEmotion

DECIMALS = 6


def against_usual(display: Display, finals: Sequence[FusedEmotion]) -> list[FusedEmotion]:
    """Return one party's finals in order with what is usual of the voice taken off.

    It is taken off their probabilities and those of the voice by itself, and with it goes what it alone makes
    of a disagreement of the modalities.
    """
    usual = [UNKNOWN, *(each.usual for each in fold(display, NOTHING, finals))]
    seen = [without(own, final, display.routine) for own, final in zip(usual, finals, strict=False)]
    changed = [i for i, (final, each) in enumerate(zip(finals, seen, strict=True)) if each is not final]
    for i, value in zip(changed, _disagreements([seen[i] for i in changed]), strict=True):
        seen[i] = seen[i].model_copy(update={"disagreement": value})
    return seen


def _disagreements(windows: Sequence[FusedEmotion]) -> list[float]:
    p = np.zeros((len(windows), len(MODALITIES), N_EMOTIONS))
    present = np.zeros(p.shape[:2], np.bool_)
    for i, window in enumerate(windows):
        for state in window.modalities:
            if state.p is not None:
                place = MODALITIES.index(state.modality)
                p[i, place], present[i, place] = state.p, True
    return [round(each, DECIMALS) for each in disagreement(p, present).tolist()]
