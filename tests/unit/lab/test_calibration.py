"""The calibration error, and what it is for exactly right probabilities."""

import numpy as np
import pytest
from scipy.special import softmax

from affectstream.lab.calibration import ece, ece_by_chance, fit_temperature


def drawn(n, scale, seed=0):
    """Return probabilities (n, 7) and labels drawn from them."""
    rng = np.random.default_rng(seed)
    p = softmax(rng.normal(0, scale, (n, 7)), axis=1)
    return p, np.array([rng.choice(7, p=row) for row in p])


def test_the_error_of_exactly_right_probabilities_is_that_of_chance():
    p, labels = drawn(2000, 1.5)
    chance = ece_by_chance(p)
    assert chance.min() < ece(p, labels) < np.quantile(chance, 0.999)


def test_chance_shrinks_with_the_number_of_items():
    p, _ = drawn(4000, 1.5)
    assert ece_by_chance(p).mean() < ece_by_chance(p[:250]).mean() / 2


def test_probabilities_that_are_too_sure_lie_beyond_chance():
    p, labels = drawn(2000, 1.5)
    sure = softmax(2 * np.log(p), axis=1)
    assert ece(sure, labels) > ece_by_chance(sure).max()
    assert fit_temperature(np.log(sure), labels) == pytest.approx(2.0, rel=0.1)


def test_the_same_seed_draws_the_same():
    p, _ = drawn(100, 1.0)
    assert (ece_by_chance(p, seed=3) == ece_by_chance(p, seed=3)).all()
