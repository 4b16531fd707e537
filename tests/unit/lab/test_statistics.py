"""The figures are the textbook's, and the calibration error knows what chance alone would show."""

import numpy as np
import pytest
from scipy.special import softmax

from affectstream.lab import statistics
from affectstream.lab.statistics import ece, ece_of_calibrated, fit_temperature

LABELS = np.array([0, 0, 0, 0, 1, 1, 2, 2])
PREDICTED = np.array([0, 0, 0, 1, 1, 1, 2, 0])


def test_uar_is_the_mean_of_the_recalls() -> None:
    assert statistics.uar(LABELS, PREDICTED) == pytest.approx((0.75 + 1.0 + 0.5) / 3)


def test_uar_ignores_class_sizes_where_accuracy_does_not() -> None:
    assert statistics.accuracy(LABELS, PREDICTED) == pytest.approx(6 / 8)
    labels, predicted = np.repeat(LABELS, [5] * 4 + [1] * 4), np.repeat(PREDICTED, [5] * 4 + [1] * 4)
    assert statistics.uar(labels, predicted) == pytest.approx(statistics.uar(LABELS, PREDICTED))
    assert statistics.accuracy(labels, predicted) == pytest.approx(18 / 24)


def test_f1_by_hand() -> None:
    by_class = [6 / 8, 4 / 5, 2 / 3]
    assert statistics.macro_f1(LABELS, PREDICTED) == pytest.approx(np.mean(by_class))
    assert statistics.weighted_f1(LABELS, PREDICTED) == pytest.approx(np.dot(by_class, [4, 2, 2]) / 8)


def test_confusion_has_truth_in_rows() -> None:
    counts = statistics.confusion(LABELS, PREDICTED)
    assert counts.shape == (7, 7)
    assert counts[0, 1] == 1
    assert counts[2, 0] == 1
    assert counts.sum() == len(LABELS)


def test_per_class_table_lists_absent_classes_with_no_support() -> None:
    rows = statistics.per_class(LABELS, PREDICTED)
    assert [r.emotion for r in rows][:2] == ["neutral", "happy"]
    assert rows[0].recall == pytest.approx(0.75)
    assert rows[6].support == 0


def test_brier_of_certainty_and_of_ignorance() -> None:
    assert statistics.brier(np.eye(7)[LABELS], LABELS) == 0.0
    assert statistics.brier(np.full((8, 7), 1 / 7), LABELS) == pytest.approx(6 / 7)


def drawn(n, scale, seed=0):
    """Return probabilities (n, 7) and labels drawn from them."""
    rng = np.random.default_rng(seed)
    p = softmax(rng.normal(0, scale, (n, 7)), axis=1)
    return p, np.array([rng.choice(7, p=row) for row in p])


def test_the_error_of_a_perfectly_calibrated_model_is_that_of_chance():
    p, labels = drawn(2000, 1.5)
    chance = ece_of_calibrated(p)
    assert chance.min() < ece(p, labels) < np.quantile(chance, 0.999)


def test_chance_shrinks_with_the_number_of_items():
    p, _ = drawn(4000, 1.5)
    assert ece_of_calibrated(p).mean() < ece_of_calibrated(p[:250]).mean() / 2


def test_probabilities_that_are_too_sure_lie_beyond_chance():
    p, labels = drawn(2000, 1.5)
    sure = softmax(2 * np.log(p), axis=1)
    assert ece(sure, labels) > ece_of_calibrated(sure).max()
    assert fit_temperature(np.log(sure), labels) == pytest.approx(2.0, rel=0.1)


def test_the_same_seed_draws_the_same():
    p, _ = drawn(100, 1.0)
    assert (ece_of_calibrated(p, seed=3) == ece_of_calibrated(p, seed=3)).all()
