"""Figures of predictions and their intervals: known values, agreement with scikit-learn, groups, pairs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from affectstream.lab import statistics
from affectstream.lab.bootstrap import figures_of, intervals, mean_interval, paired
from affectstream.lab.evaluation import figures
from affectstream.lab.evaluation.compare import compare
from affectstream.lab.evaluation.outcome import About, Outcome
from affectstream.lab.statistics import uncalibrated
from affectstream.schemas.errors import InputError

ABOUT = About("set", "corpus", "held out", "labels", "speakers")


def _outcome(
    n: int = 300, skill: float = 2.0, seed: int = 0, per_group: int = 10, name: str = "set"
) -> Outcome:
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 7
    logits = rng.normal(0, 1, (n, 7)) + skill * np.eye(7)[labels]
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    groups = tuple(f"g{i // per_group}" for i in range(n))
    about = About(name, "corpus", "held out", "labels", "speakers")
    return Outcome(about, labels, groups, p, p, {"half": tuple("ab"[2 * i // n] for i in range(n))})


def test_perfect_predictions_have_perfect_figures() -> None:
    labels = np.arange(70) % 7
    found = figures.summary(np.eye(7)[labels], labels)
    for name in ("accuracy", "uar", "macro_f1", "weighted_f1", "top_2", "kappa", "roc_auc", "pr_auc"):
        assert found[name] == pytest.approx(1.0), name
    for name in ("nll", "brier", "ece", "ece_adaptive", "aurc"):
        assert found[name] == pytest.approx(0.0, abs=1e-9), name


def test_an_uncalibrated_guess_is_wrong_by_what_it_claims_too_much() -> None:
    p = np.full((100, 7), 0.1 / 6)
    p[:, 0] = 0.9
    labels = np.r_[np.zeros(60, int), np.ones(40, int)]
    r = figures.reliability(p, labels)
    assert (r.confidence, r.accuracy, r.share) == (pytest.approx([0.9]), pytest.approx([0.6]), [1.0])
    assert r.ece == pytest.approx(0.3)


def test_risk_falls_when_only_the_surest_are_answered() -> None:
    labels = np.zeros(4, int)
    p = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.4, 0.6]]) @ np.eye(2, 7)
    curve = figures.risk_coverage(p, labels)
    assert curve.y == pytest.approx([0, 0, 1 / 3, 1 / 2])
    assert curve.area == pytest.approx((1 / 3 + 1 / 2) / 4)
    assert figures.risk_at(curve, 0.5) == 0
    assert figures.risk_at(curve, 1.0) == pytest.approx(0.5)


def test_a_class_that_is_never_true_has_no_curve() -> None:
    outcome = _outcome()
    only = outcome.labels < 3
    curves = figures.roc(outcome.after[only], outcome.labels[only])
    assert [c.emotion for c in curves] == ["neutral", "happy", "sad"]
    assert all(0.5 < c.area <= 1 for c in curves)


def test_parts_are_counted_by_items_and_groups() -> None:
    rows = figures.part_rows(_outcome(300))
    assert [(r.kind, r.value, r.n, r.groups) for r in rows] == [
        ("half", "a", 150, 15),
        ("half", "b", 150, 15),
    ]


@settings(max_examples=40, deadline=None)
@given(n=st.integers(2, 60), seed=st.integers(0, 999), classes=st.integers(1, 7))
def test_sums_give_the_figures_of_scikit_learn(n: int, seed: int, classes: int) -> None:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, n)
    p = rng.dirichlet(np.full(7, 0.4), n)
    said = p.argmax(axis=1)
    found = intervals(Outcome(ABOUT, labels, tuple(map(str, range(n))), p, p), draws=5)
    assert found["accuracy"].value == pytest.approx(statistics.accuracy(labels, said))
    assert found["uar"].value == pytest.approx(statistics.uar(labels, said))
    assert found["macro_f1"].value == pytest.approx(statistics.macro_f1(labels, said))
    assert found["weighted_f1"].value == pytest.approx(statistics.weighted_f1(labels, said))
    assert found["brier"].value == pytest.approx(statistics.brier(p, labels))
    assert found["ece"].value == pytest.approx(statistics.ece(p, labels))
    assert found["nll"].value == pytest.approx(statistics.nll(p, labels))


def test_redrawing_speakers_is_wider_where_a_speaker_is_right_or_wrong_as_a_whole() -> None:
    labels = np.arange(200) % 7
    right = np.arange(200) // 20 % 2 == 0
    p = np.where(right[:, None], np.eye(7)[labels], np.eye(7)[(labels + 1) % 7])
    widths = []
    for groups in (tuple(str(i // 20) for i in range(200)), tuple(map(str, range(200)))):
        found = intervals(Outcome(ABOUT, labels, groups, p, p), draws=300)["accuracy"]
        widths.append(found.high - found.low)
    assert widths[0] > 2 * widths[1]


def test_the_interval_of_a_mean_redraws_whole_groups() -> None:
    values = np.repeat(np.arange(20) % 2, 20).astype(np.float64)  # every second group wholly wrong
    by_group = mean_interval(values, np.repeat(np.arange(20), 20).astype(np.str_), draws=300)
    by_row = mean_interval(values, np.arange(400).astype(np.str_), draws=300)
    assert by_group.value == by_row.value == 0.5
    assert by_group.low <= 0.5 <= by_group.high
    assert by_group.high - by_group.low > 2 * (by_row.high - by_row.low)


def test_a_model_does_not_differ_from_itself_and_a_better_one_clearly_does() -> None:
    weak, strong = _outcome(skill=0.5), _outcome(skill=4.0)
    assert all((d.low, d.high) == (0, 0) and not d.clear for d in paired(weak, weak, draws=50))
    by_name = {d.figure: d for d in paired(weak, strong, draws=200)}
    assert by_name["accuracy"].clear
    assert by_name["accuracy"].low > 0
    assert by_name["nll"].high < 0


def test_other_items_are_not_compared() -> None:
    with pytest.raises(InputError, match="same items"):
        paired(_outcome(300), _outcome(310), draws=5)


def test_runs_are_compared_on_the_sets_that_they_share() -> None:
    a, b = _outcome(skill=1.0), _outcome(skill=2.0)
    (only,) = compare({"one": (a, _outcome(name="mine alone")), "two": (b,)}, draws=20)
    assert (only.name, only.items, only.groups) == ("set", 300, "30 speakers")
    assert [c.run for c in only.columns] == ["one", "two"]
    assert only.columns[0].against_first == ()
    assert only.columns[1].against_first[0].figure == "accuracy"
    with pytest.raises(InputError, match="share no set"):
        compare({"one": (a,), "two": (_outcome(name="other"),)})
    with pytest.raises(InputError, match="at least two"):
        compare({"one": (a,)})


def test_the_temperature_can_be_taken_out_again() -> None:
    logits = np.random.default_rng(0).normal(0, 3, (20, 7))

    def softmax(x: np.ndarray) -> np.ndarray:
        return np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)

    assert np.allclose(uncalibrated(softmax(logits / 1.7), 1.7), softmax(logits))


def test_an_empty_draw_of_classes_is_no_division_by_zero() -> None:
    sums = np.zeros((1, 49 + 2 + 15))
    sums[0, 0] = 3
    assert figures_of(sums)["macro_f1"] == pytest.approx([1.0])


def test_rows_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InputError, match="3 labels"):
        Outcome(ABOUT, np.zeros(3, int), ("a", "b"), np.ones((3, 7)) / 7, np.ones((3, 7)) / 7)
