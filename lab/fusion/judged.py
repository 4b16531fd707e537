"""The default rule on real moments of one person: fitted without a speaker, judged on that speaker."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from affectstream.lab.bootstrap import DRAWS, Difference, Interval, intervals, paired
from affectstream.lab.evaluation.outcome import About, Outcome
from affectstream.lab.fusion.fit_pools import fit_bounded
from affectstream.lab.fusion.logs.moments import ARRANGEMENTS, Moments
from affectstream.lab.fusion.windows import Log
from affectstream.models.fusion.bounded import BoundedPool
from affectstream.models.fusion.evidence import Array, softmax
from affectstream.schemas.messages import MODALITIES

LEAST = 1e-6  # of a probability whose logarithm is summed
RULE = "bounded_pool, fitted on the other speakers"


@dataclass(frozen=True)
class Row:
    """What one way to fuse reaches on the clips."""

    face: str  # which face models
    name: str
    figures: dict[str, Interval]
    against_best: dict[str, Difference]  # accuracy and NLL, less those of the best single modality
    surest: float  # the most by which its confidence is above that of the surest modality


def rows(moments: Moments, draws: int = DRAWS) -> Iterator[Row]:
    """Yield single modalities, plain means, and the pool, of each clip fitted without its speaker."""
    for face, models in ARRANGEMENTS.items():
        log = moments.log(models)
        p = log.evidence.p
        ways = {
            "voice alone": p[:, MODALITIES.index("audio")],
            "face alone": p[:, MODALITIES.index("video")],
            "mean": p[:, :2].mean(axis=1),
            "sum of logarithms": softmax(np.log(np.maximum(p[:, :2], LEAST)).sum(axis=1)),
            RULE: held_out(log, moments.folds),
        }
        outcomes = {name: _outcome(log, said) for name, said in ways.items()}
        singles = [outcomes["voice alone"], outcomes["face alone"]]
        for name, outcome in outcomes.items():
            found = intervals(outcome, draws)
            yield Row(face, name, found, _against(singles, outcome, draws), _surest(log, outcome.after))


def held_out(log: Log, folds: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> Array:
    """Return (clips, 7): of each clip what the pool says that was fitted without its fold."""
    p = np.zeros((len(log.labels), log.evidence.p.shape[2]))
    usual = np.ones(len(MODALITIES))
    for fold in np.unique(folds):
        known = log.rows(np.flatnonzero(folds != fold))
        found = fit_bounded(known, np.ones(len(known.labels)), usual)
        weights = np.array([found.weights[m] for m in MODALITIES])
        rule = BoundedPool("held out", weights, usual)
        held = np.flatnonzero(folds == fold)
        p[held] = rule.fuse(log.rows(held).evidence).p
    return p


def _outcome(log: Log, p: Array) -> Outcome:
    about = About("moments", log.source, "by speaker", "calm counted as neutral", "actors")
    return Outcome(about, log.labels, tuple(log.groups.tolist()), p, p)


def _against(singles: list[Outcome], outcome: Outcome, draws: int) -> dict[str, Difference]:
    """Return the differences to the single modality that is best on these clips, by each figure."""
    found = {}
    for figure, sign in (("accuracy", 1.0), ("nll", -1.0)):
        each = [next(d for d in paired(one, outcome, draws) if d.figure == figure) for one in singles]
        found[figure] = max(each, key=lambda d: sign * d.first)
    return found


def _surest(log: Log, p: Array) -> float:
    tops = np.where(log.evidence.present, log.evidence.p.max(axis=2), 0.0).max(axis=1)
    return float((p.max(axis=1) - tops).max())
