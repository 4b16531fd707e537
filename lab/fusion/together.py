"""A generator of how modalities co-occur, fitted to face and voice of the same moments.

Given the emotion, a Gaussian copula says how alike the modalities' probabilities of the truth rank, so that a
poor moment of one is, as often as really, a poor moment of the other; and of two that are wrong, the second
takes the label of the first more often than chance has it. Words have no such measurement here: they are
given the correlation of face and voice.
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm, rankdata

from affectstream.lab.fusion.logs.moments import Moments
from affectstream.lab.fusion.windows import Indices
from affectstream.models.fusion.evidence import Array
from affectstream.schemas.labels import N_EMOTIONS
from affectstream.schemas.messages import MODALITIES


@dataclass(frozen=True)
class Together:
    """How alike modalities err."""

    correlation: float  # of the normal scores of p(truth) within an emotion
    same_error: float  # chance that the second of two that are wrong takes the label of the first
    clips: int

    def ranks(self, windows: int, rng: np.random.Generator) -> Array:
        """Return (windows, modalities) in [0, 1]: the rank of each modality's moment among its own."""
        common = rng.normal(size=(windows, 1))
        own = rng.normal(size=(windows, len(MODALITIES)))
        ranks: Array = norm.cdf(np.sqrt(self.correlation) * common + np.sqrt(1.0 - self.correlation) * own)
        return ranks

    def statement(self) -> str:
        """Return what every figure on such windows must be read with."""
        return (
            "In a window face, voice and words come from different people; how alike good and bad moments "
            f"coincide follows a generator fitted to {self.clips} clips in which face and voice are of the "
            f"same moment: rank correlation {self.correlation:.2f}, a common error in {self.same_error:.0%} "
            "of what chance leaves. Words are assumed to be alike."
        )


def fitted(moments: Moments) -> Together:
    """Return the generator of the clips."""
    log = moments.log()
    p, y = log.evidence.p[:, :2], log.labels
    rows = np.arange(len(y))
    scores = np.stack([_scores(p[rows, m, y], y) for m in range(2)])
    correlation = float(np.clip((scores[0] * scores[1]).mean() / (scores**2).mean(), 0.0, 0.99))
    return Together(correlation, _same_error(p.argmax(axis=2), y), len(y))


def _scores(truth: Array, labels: Indices) -> Array:
    """Return the normal scores of p(truth) (clips,) among the clips of the same emotion."""
    scores = np.zeros(len(truth))
    for k in range(N_EMOTIONS):
        mine = labels == k
        scores[mine] = norm.ppf(rankdata(truth[mine]) / (mine.sum() + 1.0))
    return scores


def _same_error(said: Indices, labels: Indices) -> float:
    """Return by how much two that are wrong share their label beyond chance given the emotion, in [0, 1]."""
    same = expected = both_wrong = 0.0
    for k in range(N_EMOTIONS):
        mine = said[labels == k]
        wrong = mine != k
        both = wrong.all(axis=1)
        shares = [np.bincount(mine[wrong[:, m], m], minlength=N_EMOTIONS) for m in range(2)]
        if not both.any():
            continue
        both_wrong += both.sum()
        same += (mine[both, 0] == mine[both, 1]).sum()
        expected += both.sum() * float((shares[0] / shares[0].sum()) @ (shares[1] / shares[1].sum()))
    if not both_wrong:
        return 0.0
    return float(np.clip((same - expected) / max(both_wrong - expected, 1e-9), 0.0, 1.0))
