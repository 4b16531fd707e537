"""A log of simulated experts, calibrated and independent given the class: Bayes' product is the optimum."""

import numpy as np

from affectstream.lab.fusion.windows import Log
from affectstream.models.fusion.evidence import Evidence

PRIOR = np.array([0.4, 0.16, 0.12, 0.12, 0.06, 0.04, 0.10])
SKILL = (1.6, 1.3, 1.9)  # distance between the class means of each expert, in standard deviations


def simulated(
    windows: int = 3000,
    seed: int = 0,
    heat: float = 1.0,  # experts say p^heat: overconfident above 1
    broken: float = 0.0,  # share of inputs, per modality, that show another class and have low quality
    present: float = 1.0,  # share of modalities that are there
    shared: float = 0.0,  # share of an expert's noise that is the first one's: not independent any more
) -> Log:
    """Every expert sees its own noisy picture of the class and says the posterior that follows from it."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(7, windows, p=PRIOR)
    first = rng.normal(size=(windows, 7))
    p, quality = np.empty((windows, 3, 7)), np.empty((windows, 3))
    for m, skill in enumerate(SKILL):
        wrong = rng.random(windows) < broken
        shown = np.where(wrong, rng.integers(0, 7, windows), labels)
        noise = np.sqrt(1 - shared) * rng.normal(size=(windows, 7)) + np.sqrt(shared) * first
        seen = skill * np.eye(7)[shown] + noise
        scores = (skill * seen + np.log(PRIOR)) * heat
        powered = np.exp(scores - scores.max(axis=1, keepdims=True))
        p[:, m] = powered / powered.sum(axis=1, keepdims=True)
        quality[:, m] = np.clip(np.where(wrong, 0.35, 0.75) + 0.15 * rng.normal(size=windows), 0, 1)
    there = rng.random((windows, 3)) < present
    evidence = Evidence(p, there, quality, np.ones((windows, 3)))
    groups = np.array([f"g{i % 40}" for i in range(windows)])
    return Log(evidence, labels.astype(np.int64), groups, "simulated experts")
