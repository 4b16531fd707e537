"""What a model answers of a speaker of whom other clips are known, without their labels.

What is said of a person never heard is off by about the same in all that they say. Where somebody acted every
class about as often, every class should be answered about as often: a shift of the log probabilities that
makes it so over some of their clips is added to the answers on the others. That classes are as frequent is
known beforehand, which it is not of calls: no aim is judged by it. The same idea with estimated
frequencies is Saerens, Latinne & Decaestecker, "Adjusting the outputs of a classifier to new a priori
probabilities: a simple procedure", Neural Computation, 2002.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import log_softmax, logsumexp, softmax

from affectstream.lab.evaluation.outcome import Outcome
from affectstream.lab.statistics import Floats, Labels, log

FEWEST_CLIPS = 20  # of a speaker; of somebody with fewer nothing is taken to be known
DOUBT = 1.0  # how strongly a shift is drawn to none, in clips
PEOPLE = ("actor", "actors", "speaker", "speakers", "people")  # the first word of what tells them apart
HOW = (
    "only classes that occur answered, and shifted so that they are alike over the other half of the "
    "speaker's clips, without labels"
)


def known(outcome: Outcome) -> Outcome | None:
    """Return an outcome (clips) with both halves of each speaker's clips known to the other.

    Only classes that occur are answered. None where groups are no people or nobody has ``FEWEST_CLIPS``.
    """
    about, speakers = outcome.about, np.array(outcome.groups)
    sizes = np.unique_counts(speakers).counts
    if about.groups.split()[0] not in PEOPLE or sizes.max() < FEWEST_CLIPS:
        return None
    halves = list(_halves(speakers))
    classes = np.unique(outcome.labels)
    before, after = (_shifted(log(p), classes, halves) for p in (outcome.before, outcome.after))
    told = replace(about, name=f"{about.name}, speakers known", split=f"{about.split}; {HOW}")
    return replace(outcome, about=told, before=before, after=after)


def with_known(outcomes: Iterable[Outcome]) -> Iterator[Outcome]:
    """Yield each outcome, and after it what is answered of known speakers, where that can be told."""
    for outcome in outcomes:
        yield outcome
        told = known(outcome)
        if told is not None:
            yield told


def even_shift(log_p: Floats) -> npt.NDArray[np.float64]:
    """Return what is added to log probabilities (n, k) so that the means of all classes are alike (k,).

    It is drawn to zero as strongly as by ``DOUBT`` clips, so that few clips shift little.
    """
    n, k = log_p.shape

    def cost(shift: Floats) -> tuple[float, Floats]:
        shifted = log_p + shift
        value = logsumexp(shifted, axis=1).sum() - n / k * shift.sum() + DOUBT / 2 * shift @ shift
        return float(value), softmax(shifted, axis=1).sum(axis=0) - n / k + DOUBT * shift

    return np.asarray(minimize(cost, np.zeros(k), jac=True, method="L-BFGS-B").x)


def _halves(speakers: npt.NDArray[np.str_]) -> Iterator[tuple[Labels, Labels]]:
    """Yield rows of a speaker and those known of them; the draw depends on the number of clips alone."""
    for speaker in np.unique(speakers):
        rows = np.flatnonzero(speakers == speaker)
        if len(rows) >= FEWEST_CLIPS:
            one, other = np.array_split(np.random.default_rng(0).permutation(rows), 2)
            yield from ((one, other), (other, one))


def _shifted(log_p: Floats, classes: Labels, halves: Iterable[tuple[Labels, Labels]]) -> Floats:
    p = np.zeros_like(log_p)
    found = log_softmax(log_p[:, classes], axis=1)
    moved = found.copy()
    for rows, by in halves:
        moved[rows] += even_shift(found[by])
    p[:, classes] = softmax(moved, axis=1)
    return p
