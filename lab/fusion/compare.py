"""Every rule under every condition: figures with intervals, against the best single modality.

The best single modality is chosen on the very windows that are judged, once by accuracy and once by
likelihood: a bar that no one could have set beforehand. What it says is what its own model says.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import spearmanr

from affectstream.lab.bootstrap import DRAWS, Difference, Interval, intervals, paired
from affectstream.lab.evaluation.outcome import About, Outcome
from affectstream.lab.fusion.failures import Condition, mixed
from affectstream.lab.fusion.windows import Calls, Log
from affectstream.lab.statistics import FLOOR, log_likelihoods
from affectstream.models.fusion import trust
from affectstream.models.fusion.evidence import FLAT, Array, Evidence, Rule
from affectstream.schemas.messages import MODALITIES, Modality

FIGURES = ("accuracy", "uar", "nll", "ece")
LOWER_IS_BETTER = ("nll", "ece")


@dataclass(frozen=True)
class Score:
    """One rule under one condition."""

    rule: str
    condition: str
    figures: dict[str, Interval]
    against_best: dict[str, Difference]  # accuracy and nll: the rule's less those of the best single modality

    def worse(self, figure: str, clear: bool = False) -> bool:
        """Tell whether it is worse than the best single modality, or ``clear``: beyond its interval."""
        d = self.against_best[figure]
        sign = -1 if figure in LOWER_IS_BETTER else 1
        if not clear:
            return sign * (d.second - d.first) < 0
        return d.high < 0 if sign > 0 else d.low > 0


@dataclass(frozen=True)
class Bar:
    """What single modalities reach under one condition."""

    condition: str
    windows: int
    best: dict[str, Modality]  # by accuracy and by nll
    figures: dict[str, Interval]  # of the best one by accuracy
    nll: float  # of the best one by nll
    oracle: float  # share of windows in which at least one modality present is right


@dataclass(frozen=True)
class Weighting:
    """Whether a rule's weights mean anything."""

    rule: str
    weight_and_loss: dict[Modality, float]  # Spearman; nan where the weights do not vary
    accuracy_lost: float  # when quality is shuffled over the windows
    nll_gained: float


@dataclass(frozen=True)
class Comparison:
    """Everything that is said about one set of calls."""

    source: str
    windows: int
    groups: int
    scores: tuple[Score, ...]
    bars: tuple[Bar, ...]
    weightings: tuple[Weighting, ...]

    def of(self, rule: str) -> list[Score]:
        """Return the scores of one rule, in the order of the conditions."""
        return [score for score in self.scores if score.rule == rule]

    @property
    def rules(self) -> list[str]:
        """Return the rules in the order of the comparison."""
        return list(dict.fromkeys(score.rule for score in self.scores))


def compare(
    rules: Mapping[str, Rule],
    calls: Calls,
    conditions: Sequence[Condition],
    draws: int = DRAWS,
    seed: int = 0,
) -> Comparison:
    """Return the comparison; every rule sees the same windows, the failures drawn from ``seed``."""
    scores, bars = [], []
    which = np.random.default_rng([seed, 99]).integers(0, len(conditions), len(calls))
    every = calls.log  # each window once, under the condition that was drawn for it
    for number, condition in enumerate(conditions):
        log = with_trust(condition.make(calls, np.random.default_rng([seed, number])))
        singles = {m: _single(log, i, condition.name) for i, m in enumerate(MODALITIES)}
        bar = _bar(log, condition.name, {m: o for m, o in singles.items() if o is not None}, draws)
        said = {
            name: _outcome(log, rule.fuse(log.evidence).p, condition.name) for name, rule in rules.items()
        }
        bests = {figure: singles[m] for figure, m in bar.best.items()}
        scores += [_score(name, condition.name, outcome, bests, draws) for name, outcome in said.items()]
        bars.append(bar)
        every = mixed(every, log.evidence, np.repeat((which == number)[:, None], len(MODALITIES), axis=1))
    ordered = sorted(scores, key=lambda s: list(rules).index(s.rule))
    weightings = tuple(_weighting(name, rule, every, seed) for name, rule in rules.items())
    groups = len(np.unique(calls.log.groups))
    return Comparison(calls.log.source, len(calls), groups, tuple(ordered), tuple(bars), weightings)


def with_trust(log: Log) -> Log:
    """Return ``log`` with the trust that the stream would give a party that sends a picture."""
    trusted = trust.table(trust.CARDS, trust.TELEPHONE)
    pictures = np.ones(len(log.labels), dtype=np.bool_)
    return replace(log, evidence=replace(log.evidence, trust=trusted[pictures.astype(np.int64)]))


def spearman(weights: Array, losses: Array) -> float:
    """Return the rank correlation; nan where either does not vary."""
    if len(weights) < 2 or np.ptp(weights) < FLOOR or np.ptp(losses) < FLOOR:
        return float("nan")
    return float(spearmanr(weights, losses).statistic)


def losses(p: Array, log: Log) -> Array:
    """Return the negative log likelihood (windows,) of the truth under ``p`` (windows, 7)."""
    return -log_likelihoods(p, log.labels)


def _outcome(log: Log, p: Array, name: str) -> Outcome:
    about = About(name, log.source, "test", "paired by label", "groups")
    return Outcome(about, log.labels, tuple(log.groups.tolist()), p, p)


def _single(log: Log, column: int, name: str) -> Outcome | None:
    """Return what one modality says, uniform where it is missing; None where it is never there."""
    there = log.evidence.present[:, column]
    if not there.any():
        return None
    return _outcome(log, np.where(there[:, None], log.evidence.p[:, column], FLAT), name)


def _bar(log: Log, name: str, singles: Mapping[Modality, Outcome], draws: int) -> Bar:
    right = {m: float((o.after.argmax(axis=1) == log.labels).mean()) for m, o in singles.items()}
    nll = {m: float(losses(o.after, log).mean()) for m, o in singles.items()}
    best = {"accuracy": max(right, key=lambda m: right[m]), "nll": min(nll, key=lambda m: nll[m])}
    e = log.evidence
    hits = (e.p.argmax(axis=2) == log.labels[:, None]) & e.present
    figures = intervals(singles[best["accuracy"]], draws)
    return Bar(name, len(log.labels), best, figures, nll[best["nll"]], float(hits.any(axis=1).mean()))


def _score(
    rule: str, condition: str, outcome: Outcome, bests: Mapping[str, Outcome | None], draws: int
) -> Score:
    found = intervals(outcome, draws)
    against = {
        figure: next(d for d in paired(best, outcome, draws) if d.figure == figure)
        for figure, best in bests.items()
        if best is not None
    }
    return Score(rule, condition, {name: found[name] for name in FIGURES}, against)


def _weighting(name: str, rule: Rule, log: Log, seed: int) -> Weighting:
    """Return how weights go with losses, and what shuffling the quality costs."""
    e, truth = log.evidence, log.labels
    pooled = rule.fuse(e)
    correlations = {}
    for i, modality in enumerate(MODALITIES):
        there = e.present[:, i] & (e.present.sum(axis=1) > 1)
        own = losses(e.p[:, i], log)
        correlations[modality] = spearman(pooled.weights[there, i], own[there])
    broken = rule.fuse(_shuffled(e, np.random.default_rng(seed))).p
    lost = float((pooled.p.argmax(axis=1) == truth).mean() - (broken.argmax(axis=1) == truth).mean())
    return Weighting(name, correlations, lost, float((losses(broken, log) - losses(pooled.p, log)).mean()))


def _shuffled(evidence: Evidence, rng: np.random.Generator) -> Evidence:
    """Return the evidence with each modality's quality permuted over the windows where it is present."""
    quality = evidence.quality.copy()
    for i in range(quality.shape[1]):
        rows = np.flatnonzero(evidence.present[:, i])
        quality[rows, i] = quality[rng.permutation(rows), i]
    return replace(evidence, quality=quality)
