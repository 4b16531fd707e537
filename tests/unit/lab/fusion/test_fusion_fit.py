"""What fitting finds where the best answer is known, and what it refuses."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fusion_log import PRIOR, simulated

from affectstream.lab.fusion.fit import FOLDS, fit, folds, threshold
from affectstream.lab.fusion.fit_experts import cooling
from affectstream.lab.fusion.fit_pools import fit_pool
from affectstream.models.fusion.evidence import Evidence
from affectstream.models.fusion.pools import softplus
from affectstream.models.fusion.rules import on_probabilities
from affectstream.schemas.errors import InputError
from affectstream.schemas.messages import MODALITIES

TEST = 3000


@pytest.fixture(scope="module")
def clean():
    """Fitted on independent, calibrated experts."""
    return in_two_folds(simulated(700))


@pytest.fixture(scope="module")
def broken():
    """Fitted where a quarter of what each expert sees is wrong, and quality tells."""
    return in_two_folds(simulated(700, broken=0.25))


def in_two_folds(log):
    """Return what is fitted with fewer held-out windows: for what does not depend on them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("affectstream.lab.fusion.fit.FOLDS", 2)
        return fit(log)


def nll(name, fitted, log):
    p = on_probabilities(fitted)[name].fuse(log.evidence).p
    return -np.log(np.maximum(p[np.arange(len(log.labels)), log.labels], 1e-12)).mean()


def test_independent_experts_are_found_to_be_worth_their_product(clean):
    weights = softplus(np.array([gate.a for gate in clean.learned.gates.values()]))
    assert weights == pytest.approx([1.0, 1.0, 1.0], abs=0.15)
    assert [e.temperature for e in clean.experts.values()] == pytest.approx([1.0] * 3, abs=0.15)
    test = simulated(TEST, seed=1)
    best = nll("product", clean, test)
    for name in ("learned_log_pool", "gated_log_pool"):
        assert nll(name, clean, test) < best + 0.02
    assert nll("uniform", clean, test) > best + 0.2


def test_gates_are_found_where_quality_tells_failures(broken):
    test = simulated(TEST, seed=1, broken=0.25)
    assert all(gate.c > 1.0 for gate in broken.gated.gates.values())
    assert nll("gated_log_pool", broken, test) < nll("learned_log_pool", broken, test) - 0.05
    dice = np.random.default_rng(0)
    shuffled = replace(test.evidence, quality=dice.permuted(test.evidence.quality, axis=0))
    assert nll("gated_log_pool", broken, replace(test, evidence=shuffled)) > nll(
        "learned_log_pool", broken, test
    )


def test_overconfident_experts_are_cooled_by_as_much():
    log = simulated(2000, heat=2.5)
    for m in range(3):
        assert cooling(log.evidence.p[:, m], log.labels) == pytest.approx(2.5, abs=0.3)


def test_experts_that_repeat_each_other_count_for_less():
    log, ones = simulated(900, shared=0.8), np.ones(3)
    pool = fit_pool(log, np.ones(900), ones, ones, PRIOR, gated=False)
    weights = softplus(np.array([gate.a for gate in pool.gates.values()]))
    assert weights.sum() < 2.2


def test_a_linear_pool_is_made_surer_afterwards(clean):
    assert clean.after["entropy_trust_after"] < 0.8
    test = simulated(TEST, seed=1)
    assert nll("entropy_trust_after", clean, test) < nll("entropy_trust", clean, test) - 0.05


def test_what_is_fitted_says_what_it_was_fitted_on(clean):
    assert clean.data == "simulated experts"
    assert clean.windows == 700
    assert np.array(clean.prior) == pytest.approx(PRIOR, abs=0.05)
    assert set(clean.stacking) == {"video+audio", "video+text", "audio+text", "video+audio+text"}
    assert set(clean.abstain) == set(on_probabilities(clean))


def _with_gaps_and_less_trust():
    log = simulated(250, seed=5, present=0.8)
    return replace(log, evidence=replace(log.evidence, trust=np.tile([0.6, 0.5, 0.4], (250, 1))))


@pytest.fixture(scope="module")
def trusted_less():
    """Fitted where modalities are missing and the stream says less trust in all."""
    return in_two_folds(_with_gaps_and_less_trust())


def test_the_same_log_gives_the_same_file(clean, trusted_less):
    assert in_two_folds(_with_gaps_and_less_trust()).model_dump_json() == trusted_less.model_dump_json()
    assert clean.sha256 != trusted_less.sha256


def test_where_the_stream_says_less_trust_the_log_is_fitted_to_less_say(trusted_less):
    assert [trusted_less.experts[m].trust for m in MODALITIES] == pytest.approx([0.6, 0.5, 0.4])


def _without_class(log, k):
    return log.rows(np.flatnonzero(log.labels != k))


def _without_text(log):
    present = log.evidence.present.copy()
    present[:, 2] = False
    return replace(log, evidence=replace(log.evidence, present=present))


def _two_modalities(log):
    e = log.evidence
    return replace(log, evidence=Evidence(e.p[:, :2], e.present[:, :2], e.quality[:, :2], e.trust[:, :2]))


@pytest.mark.parametrize(
    ("log", "complaint"),
    [
        pytest.param(simulated(150), "150 windows have two", id="too few windows"),
        pytest.param(simulated(900, present=0.2), "windows have two", id="too few with two modalities"),
        pytest.param(_without_class(simulated(900), 5), "no window of the log is disgust", id="no disgust"),
        pytest.param(_without_text(simulated(900)), "text is present in 0", id="no text"),
        pytest.param(_two_modalities(simulated(900)), "video, audio, text", id="other modalities"),
    ],
)
def test_a_log_that_teaches_too_little_is_refused(log, complaint):
    with pytest.raises(InputError, match=complaint):
        fit(log)


def test_the_threshold_is_where_wrong_labels_begin_to_outweigh_right_ones():
    confidence = np.array([0.9, 0.8, 0.7, 0.5, 0.4, 0.3])
    right = np.array([True, True, True, False, True, False])
    p = np.tile(((1 - confidence) / 6)[:, None], (1, 7))
    p[:, 2] = confidence
    labels = np.where(right, 2, 0)
    # worth after each, surest first: 1 2 3 2 3 2; the first of the best ends between 0.7 and 0.5
    assert threshold(p, labels, np.ones(6, dtype=bool)) == pytest.approx(0.6)
    assert threshold(p, np.full(6, 2), np.ones(6, dtype=bool)) == 0.0  # always right, never uncertain
    assert threshold(p, np.zeros(6, int), np.ones(6, dtype=bool)) == pytest.approx(0.95)


@given(sizes=st.lists(st.integers(1, 5), min_size=1, max_size=12), seed=st.integers(0, 9))
def test_no_group_is_on_both_sides_and_every_window_is_held_out_once(sizes, seed):
    groups = np.repeat([f"g{i}" for i in range(len(sizes))], sizes)
    pairs = list(folds(groups, seed))
    assert len(pairs) == min(FOLDS, len(sizes))
    assert sorted(np.concatenate([held for _, held in pairs]).tolist()) == list(range(len(groups)))
    if len(sizes) > 1:
        assert all(not set(groups[train]) & set(groups[held]) for train, held in pairs)
