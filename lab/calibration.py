"""Temperature scaling and the expected calibration error.

Guo et al., "On Calibration of Modern Neural Networks", ICML 2017.
"""

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

Floats = npt.NDArray[np.float64]


def nll(logits: Floats, labels: npt.NDArray[np.int64], temperature: float = 1.0) -> float:
    """Return the mean negative log likelihood of ``labels`` (n,) under ``logits`` (n, 7) / temperature."""
    rows = log_softmax(logits / temperature, axis=1)
    return float(-rows[np.arange(len(labels)), labels].mean())


def fit_temperature(logits: Floats, labels: npt.NDArray[np.int64]) -> float:
    """Return the temperature that minimises the negative log likelihood; the argmax never changes."""
    best = minimize_scalar(
        lambda log_t: nll(logits, labels, float(np.exp(log_t))), bounds=(-3.0, 3.0), method="bounded"
    )
    return float(np.exp(best.x))


def ece(probabilities: Floats, labels: npt.NDArray[np.int64], bins: int = 15) -> float:
    """Return the expected calibration error over ``bins`` equal-width bins of the top probability."""
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == labels
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    gap = 0.0
    for b in range(bins):
        inside = which == b
        if inside.any():
            gap += inside.mean() * abs(correct[inside].mean() - confidence[inside].mean())
    return float(gap)


def ece_by_chance(probabilities: Floats, draws: int = 200, seed: int = 0, bins: int = 15) -> Floats:
    """Return the calibration errors (draws,) of ``probabilities`` if they were exactly right.

    The error of a finite set is above zero even then: labels are drawn from the probabilities themselves
    (Vaicenavicius et al., "Evaluating model calibration in classification", AISTATS 2019).
    """
    rng = np.random.default_rng(seed)
    edges = probabilities.cumsum(axis=1)
    drawn = (rng.random((draws, len(edges), 1)) * edges[:, -1:] > edges).sum(axis=2)
    return np.array([ece(probabilities, labels, bins) for labels in drawn])
