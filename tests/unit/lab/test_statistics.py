"""The figures are the textbook's, and the interval redraws whole groups."""

import numpy as np
import pytest

from affectstream.lab import metrics

LABELS = np.array([0, 0, 0, 0, 1, 1, 2, 2])
PREDICTED = np.array([0, 0, 0, 1, 1, 1, 2, 0])


def test_uar_is_the_mean_of_the_recalls() -> None:
    assert metrics.uar(LABELS, PREDICTED) == pytest.approx((0.75 + 1.0 + 0.5) / 3)


def test_uar_ignores_class_sizes_where_accuracy_does_not() -> None:
    assert metrics.accuracy(LABELS, PREDICTED) == pytest.approx(6 / 8)
    labels, predicted = np.repeat(LABELS, [5] * 4 + [1] * 4), np.repeat(PREDICTED, [5] * 4 + [1] * 4)
    assert metrics.uar(labels, predicted) == pytest.approx(metrics.uar(LABELS, PREDICTED))
    assert metrics.accuracy(labels, predicted) == pytest.approx(18 / 24)


def test_f1_by_hand() -> None:
    by_class = [6 / 8, 4 / 5, 2 / 3]
    assert metrics.macro_f1(LABELS, PREDICTED) == pytest.approx(np.mean(by_class))
    assert metrics.weighted_f1(LABELS, PREDICTED) == pytest.approx(np.dot(by_class, [4, 2, 2]) / 8)


def test_confusion_has_truth_in_rows() -> None:
    counts = metrics.confusion(LABELS, PREDICTED)
    assert counts.shape == (7, 7)
    assert counts[0, 1] == 1
    assert counts[2, 0] == 1
    assert counts.sum() == len(LABELS)


def test_per_class_table_lists_absent_classes_with_no_support() -> None:
    rows = metrics.per_class(LABELS, PREDICTED)
    assert [r.emotion for r in rows][:2] == ["neutral", "happy"]
    assert rows[0].recall == pytest.approx(0.75)
    assert rows[6].support == 0


def test_brier_of_certainty_and_of_ignorance() -> None:
    assert metrics.brier(np.eye(7)[LABELS], LABELS) == 0.0
    assert metrics.brier(np.full((8, 7), 1 / 7), LABELS) == pytest.approx(6 / 7)


def test_the_interval_is_wider_when_errors_come_by_speaker() -> None:
    labels = np.zeros(400, dtype=np.int64)
    predicted = np.repeat(np.arange(20) % 2, 20)  # every second speaker wholly wrong
    speakers = np.repeat(np.arange(20), 20).tolist()
    by_speaker = metrics.bootstrap(metrics.accuracy, labels, predicted, speakers, draws=300)
    by_row = metrics.bootstrap(metrics.accuracy, labels, predicted, list(range(400)), draws=300)
    assert by_speaker.value == by_row.value == 0.5
    assert by_speaker.low <= 0.5 <= by_speaker.high
    assert by_speaker.high - by_speaker.low > 2 * (by_row.high - by_row.low)
