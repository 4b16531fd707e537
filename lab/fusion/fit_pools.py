"""Fitting of pools by penalised likelihood: gates and biases of a log pool, shares of the bounded pool."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from affectstream.lab.fusion.windows import Indices, Log
from affectstream.lab.statistics import log_likelihoods
from affectstream.models.fusion.bounded import BoundedPool
from affectstream.models.fusion.evidence import Array, logs, shares, softmax, uncertainty
from affectstream.models.fusion.parameters import Bounded, Gate, LogPool
from affectstream.models.fusion.pools import effective_modalities, relative_trust, softplus, tempered
from affectstream.schemas.labels import N_EMOTIONS
from affectstream.schemas.messages import MODALITIES

N = len(MODALITIES)
START = 0.54  # softplus of it is 1: Bayes' product
SLACK = -3.0  # where the free numbers behind b and c start: next to no gate
PENALTY = 1.0  # a unit of the parameters weighs like so many windows
DIGITS = 6
LEAST = -4.0  # of the free numbers of the bounded pool: a share of less than 0.02 of another's is none
STEP = 1e-3  # of its numerical gradient


@dataclass(frozen=True)
class _Problem:
    """The windows, as far as they do not change while fitting."""

    differences: Array  # (windows, modalities, 7): log p_m - log prior
    log_prior: Array  # (7,)
    say: Array  # (windows, modalities), relative trust
    blend: Array  # (windows, 1)
    sure: Array  # (windows, modalities)
    quality: Array  # (windows, modalities)
    truth: Array  # (windows, 7), one-hot
    weights: Array  # (windows,), of the windows, sum to one
    size: float  # windows, for the penalty
    gated: bool


def fit_pool(
    views: Log, say: Array, temperatures: Array, usual: Array, prior: Array, *, gated: bool
) -> LogPool:
    """Return the pool of least penalised negative log likelihood on windows with so much say each."""
    evidence = views.evidence
    trust = relative_trust(evidence, usual)
    blend = effective_modalities(shares(evidence, trust))[:, None]
    own = tempered(evidence.p, temperatures, blend)
    problem = _Problem(
        differences=logs(own) - np.log(prior),
        log_prior=np.log(prior),
        say=trust,
        blend=blend,
        sure=1.0 - uncertainty(own),
        quality=evidence.quality,
        truth=_one_hot(views.labels),
        weights=say / say.sum(),
        size=float(say.sum()),
        gated=gated,
    )
    start = np.concatenate([np.full(N, START), np.full(2 * N, SLACK), np.zeros(N_EMOTIONS)])
    found = minimize(
        lambda x: _loss(problem, x, start),
        start,
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": 300, "ftol": 1e-9},
    )
    return _pool(found.x, gated)


def _loss(problem: _Problem, x: Array, start: Array) -> tuple[float, Array]:
    """Return the penalised loss at the free numbers (a, those behind b and c, bias), and its gradient."""
    a, behind_b, behind_c, bias = x[:N], x[N : 2 * N], x[2 * N : 3 * N], x[3 * N :]
    raw = a + problem.gated * (softplus(behind_b) * problem.sure + softplus(behind_c) * problem.quality)
    weights = problem.say * (problem.blend * softplus(raw) + (1.0 - problem.blend))
    scores = problem.log_prior + np.einsum("wm,wmk->wk", weights, problem.differences)
    p = softmax(scores + problem.blend * bias)
    nll = -(problem.weights * np.log(np.maximum((p * problem.truth).sum(axis=1), 1e-300))).sum()
    error = problem.weights[:, None] * (p - problem.truth)  # (windows, 7)
    by_weight = np.einsum("wk,wmk->wm", error, problem.differences)
    by_raw = by_weight * problem.say * problem.blend * _logistic(raw)
    gradient = np.concatenate(
        [
            by_raw.sum(axis=0),
            problem.gated * (by_raw * problem.sure).sum(axis=0) * _logistic(behind_b),
            problem.gated * (by_raw * problem.quality).sum(axis=0) * _logistic(behind_c),
            (error * problem.blend).sum(axis=0),
        ]
    )
    away, strength = x - start, PENALTY / problem.size
    return float(nll + 0.5 * strength * (away * away).sum()), gradient + strength * away


def _pool(x: Array, gated: bool) -> LogPool:
    a, behind_b, behind_c, bias = x[:N], x[N : 2 * N], x[2 * N : 3 * N], x[3 * N :]
    b, c = gated * softplus(behind_b), gated * softplus(behind_c)
    rounded = [[round(float(value), DIGITS) for value in row] for row in (a, b, c)]
    gates = {m: Gate(a=rounded[0][i], b=rounded[1][i], c=rounded[2][i]) for i, m in enumerate(MODALITIES)}
    return LogPool(gates=gates, bias=tuple(round(float(value), DIGITS) for value in bias))


def _one_hot(labels: Indices) -> Array:
    truth: Array = np.eye(N_EMOTIONS)[labels]
    return truth


def _logistic(x: Array) -> Array:
    share: Array = 0.5 * (1.0 + np.tanh(0.5 * x))
    return share


def fit_bounded(views: Log, say: Array, usual: Array) -> Bounded:
    """Return the pool of least penalised negative log likelihood; ``say`` (windows,) weighs the windows.

    The weights sum to one, so that the laws of the rule hold whatever is fitted.
    """
    total = say.sum()

    def loss(free: Array) -> float:
        p = BoundedPool("fitting", softmax(free), usual).fuse(views.evidence).p
        nll = -(say * log_likelihoods(p, views.labels)).sum() / total
        return float(nll + 0.5 * PENALTY * (free**2).sum() / total)

    start = np.zeros(len(MODALITIES))
    bounds = [(LEAST, -LEAST)] * len(start)
    options = {"eps": STEP, "maxiter": 60, "ftol": 1e-8}
    found = minimize(loss, start, method="L-BFGS-B", bounds=bounds, options=options)
    weights = np.round(softmax(found.x), DIGITS)
    return Bounded(weights=dict(zip(MODALITIES, weights.tolist(), strict=True)))
