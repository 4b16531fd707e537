"""Fitting of all fusion parameters from a log of labelled windows.

Temperatures first, on windows where the modality was present; then the pools, on the log's windows and on
those of their subsets of two modalities that the stream may see instead; then, on predictions for groups that
were left out, the temperatures after pooling and the confidences below which a label is "uncertain".
"""

from collections.abc import Iterator

import numpy as np

from affectstream.lab.fusion.fit_experts import cooling, discounts, experts
from affectstream.lab.fusion.fit_pools import fit_bounded, fit_pool
from affectstream.lab.fusion.fit_stacking import fit_stacks
from affectstream.lab.fusion.windows import Indices, Log
from affectstream.models.fusion.evidence import Array, Evidence, Flags
from affectstream.models.fusion.parameters import FusionParameters
from affectstream.models.fusion.pools import effective_modalities, sharpened
from affectstream.models.fusion.rules import on_probabilities
from affectstream.schemas.errors import InputError
from affectstream.schemas.labels import EMOTIONS, N_EMOTIONS
from affectstream.schemas.messages import MODALITIES

LEAST_WINDOWS = 200  # with two modalities at least
LEAST_PER_MODALITY = 50
FOLDS = 5
SUBSET_SAY = 0.5  # of all subsets of a window together, against 1 of the window itself
WRONG_COSTS = 1.0  # a wrong label, in right ones; "uncertain" costs nothing
DIGITS = 6
AFTER = ("entropy_trust_after", "learned_log_pool", "gated_log_pool", "dempster", "stacking")


def fit(log: Log, seed: int = 0) -> FusionParameters:
    """Return what the log teaches, the same for the same log; raises InputError where that is too little."""
    _check(log)
    whole = _parts(log, seed)
    after: dict[str, float] = {}
    abstain: dict[str, float] = {}
    held_out = _held_out(log, seed)
    several = log.evidence.present.sum(axis=1) >= 2
    spoken: Flags = np.asarray(log.evidence.present.any(axis=1))
    for name, (p, weights) in held_out.items():
        blend = effective_modalities(weights)
        if name in AFTER:
            after[name] = cooling(p[several], log.labels[several], blend[several])
            p = sharpened(p, (after[name] ** -blend)[:, None])
        abstain[name] = threshold(p, log.labels, spoken)
    return whole.model_copy(update={"after": after, "abstain": abstain}).hashed()


def threshold(p: Array, labels: Indices, counts: Flags) -> float:
    """Return the confidence where the risk-coverage curve says to stop.

    It maximises right labels less ``WRONG_COSTS`` times wrong ones over the windows that keep their label.
    """
    confidence, right = p.max(axis=1)[counts], (p.argmax(axis=1) == labels)[counts]
    order = np.argsort(-confidence, kind="stable")
    worth = np.concatenate([[0.0], np.cumsum(np.where(right[order], 1.0, -WRONG_COSTS))])
    kept = int(worth.argmax())
    if kept == len(order):
        return 0.0
    last = confidence[order[kept - 1]] if kept else 1.0
    return round(float(last + confidence[order[kept]]) / 2, DIGITS)


def folds(
    groups: np.ndarray[tuple[int, ...], np.dtype[np.str_]], seed: int
) -> Iterator[tuple[Indices, Indices]]:
    """Yield training and held-out windows; no group is on both sides. One group alone is on both."""
    names, number = np.unique(groups, return_inverse=True)
    count = min(FOLDS, len(names))
    dealt = (np.random.default_rng(seed).permutation(len(names)) % count)[number]
    for fold in range(count):
        held = dealt == fold
        yield np.flatnonzero(~held if count > 1 else held), np.flatnonzero(held)


def _parts(log: Log, seed: int) -> FusionParameters:
    """Return what is fitted on the log itself; nothing is calibrated after pooling yet."""
    counts = np.bincount(log.labels, minlength=N_EMOTIONS)
    prior = (counts + 1.0) / (counts.sum() + N_EMOTIONS)
    prior = np.append(np.round(prior[:-1], DIGITS), 1.0 - np.round(prior[:-1], DIGITS).sum())
    known = experts(log)
    views, say = _views(log)
    temperatures = np.array([known[m].temperature for m in MODALITIES])
    usual = np.array([known[m].trust for m in MODALITIES])
    discounted = discounts(views, say, temperatures, usual)
    learned = fit_pool(views, say, temperatures, usual, prior, gated=False)
    return FusionParameters(
        data=log.source,
        windows=len(log.labels),
        seed=seed,
        prior=tuple(prior.tolist()),
        experts={
            m: known[m].model_copy(update={"discount": discounted[i]}) for i, m in enumerate(MODALITIES)
        },
        bounded=fit_bounded(views, say, usual),
        after={},
        learned=learned,
        gated=fit_pool(views, say, temperatures, usual, prior, gated=True),
        stacking=fit_stacks(log, temperatures, usual, learned),
        abstain={},
    )


def _held_out(log: Log, seed: int) -> dict[str, tuple[Array, Array]]:
    """Return for every rule what it says about each window when fitted without its group, and the weights."""
    said: dict[str, tuple[Array, Array]] = {}
    for train, held in folds(log.groups, seed):
        fitted = _parts(log.rows(train), seed)
        evidence = log.rows(held).evidence
        for name, rule in on_probabilities(fitted).items():
            pooled = rule.fuse(evidence)
            if name not in said:
                size = len(log.labels)
                said[name] = np.zeros((size, N_EMOTIONS)), np.zeros((size, len(MODALITIES)))
            said[name][0][held], said[name][1][held] = pooled.p, pooled.weights
    return said


def _views(log: Log) -> tuple[Log, Array]:
    """Return the windows with two modalities or more and their subsets of two, and the say of each."""
    present = log.evidence.present
    several = np.flatnonzero(present.sum(axis=1) >= 2)
    rows, masks, say = [several], [present[several]], [np.ones(len(several))]
    for left in range(len(MODALITIES)):
        full = np.flatnonzero(present.all(axis=1))
        mask = np.ones((len(full), len(MODALITIES)), dtype=bool)
        mask[:, left] = False
        rows.append(full)
        masks.append(mask)
        say.append(np.full(len(full), SUBSET_SAY / len(MODALITIES)))
    views = log.rows(np.concatenate(rows))
    e = views.evidence
    masked = Evidence(e.p, np.concatenate(masks), e.quality, e.trust)
    return Log(masked, views.labels, views.groups, views.source), np.concatenate(say)


def _check(log: Log) -> None:
    present = log.evidence.present
    if present.ndim != 2 or present.shape[1] != len(MODALITIES):
        raise InputError(f"a log has the modalities {', '.join(MODALITIES)}, in this order")
    several = int((present.sum(axis=1) >= 2).sum())
    if several < LEAST_WINDOWS:
        raise InputError(f"{several} windows have two modalities or more; fitting needs {LEAST_WINDOWS}")
    for i, modality in enumerate(MODALITIES):
        if (n := int(present[:, i].sum())) < LEAST_PER_MODALITY:
            raise InputError(f"{modality} is present in {n} windows; fitting needs {LEAST_PER_MODALITY}")
    absent = [e for k, e in enumerate(EMOTIONS) if not (log.labels == k).any()]
    if absent:
        raise InputError(
            f"no window of the log is {', '.join(absent)}: a rule cannot learn what it never saw"
        )
