"""Fitting of the bounded pool: the share of each modality."""

import numpy as np
from scipy.optimize import minimize

from affectstream.lab.fusion.windows import Log
from affectstream.lab.statistics import log_likelihoods
from affectstream.models.fusion.bounded import BoundedPool
from affectstream.models.fusion.evidence import Array, softmax
from affectstream.models.fusion.parameters import Bounded
from affectstream.schemas.messages import MODALITIES

PENALTY = 1.0  # a unit of a weight's logarithm costs as much as so many windows
LEAST = -4.0  # of the free numbers: a share of less than 0.02 of another's is none
STEP = 1e-3  # of the numerical gradient
DIGITS = 6


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
