"""The rules' arithmetic, by worked cases and laws."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.fusion.choose import RULES, rule_named
from models.fusion.evidence import Evidence, disagreement, entropy, uncertainty
from models.fusion.rules import EntropyTrust, Uniform
from schemas.errors import SettingsError

SURE_HAPPY = np.eye(7)[1]
SURE_SAD = np.eye(7)[2]
FLAT = np.full(7, 1 / 7)
HALF = (SURE_HAPPY + SURE_SAD) / 2


def evidence(rows, present=None, quality=None, trust=None):
    n = len(rows)
    return Evidence(
        p=np.array([rows], dtype=float),
        present=np.array([present or [True] * n]),
        quality=np.array([quality or [1.0] * n], dtype=float),
        trust=np.array([trust or [1.0] * n], dtype=float),
    )


@st.composite
def evidences(draw):
    windows, modalities = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    raw = np.array(
        draw(
            st.lists(
                st.lists(st.floats(0, 1), min_size=7, max_size=7).filter(lambda row: sum(row) > 0.1),
                min_size=windows * modalities,
                max_size=windows * modalities,
            )
        )
    )
    unit = st.lists(st.floats(0, 1), min_size=windows * modalities, max_size=windows * modalities)
    flags = st.lists(st.booleans(), min_size=windows * modalities, max_size=windows * modalities)
    return Evidence(
        p=(raw / raw.sum(axis=1, keepdims=True)).reshape(windows, modalities, 7),
        present=np.array(draw(flags)).reshape(windows, modalities),
        quality=np.array(draw(unit)).reshape(windows, modalities),
        trust=np.array(draw(unit)).reshape(windows, modalities).clip(0.05, 1),
    )


every_rule = pytest.mark.parametrize("rule", RULES.values(), ids=RULES)


def test_the_reference_rule_weighs_by_trust_sharpness_and_quality():
    # H(HALF) = log 2, so its confidence is 1 - log 2 / log 7; the sure one's is 1
    sure = 1 - np.log(2) / np.log(7)
    pooled = EntropyTrust().fuse(evidence([SURE_HAPPY, HALF], quality=[0.5, 1.0], trust=[0.8, 0.6]))
    raw = np.array([0.8 * 1.0 * 0.5, 0.6 * sure * 1.0])
    assert pooled.weights[0] == pytest.approx(raw / raw.sum())
    assert pooled.p[0] == pytest.approx((raw[0] * SURE_HAPPY + raw[1] * HALF) / raw.sum())


def test_a_flat_distribution_has_no_say():
    pooled = EntropyTrust().fuse(evidence([FLAT, SURE_SAD]))
    assert pooled.weights[0] == pytest.approx([0.0, 1.0])


@pytest.mark.parametrize(
    ("rows", "quality"),
    [
        pytest.param([FLAT, FLAT], [1.0, 1.0], id="all flat"),
        pytest.param([SURE_HAPPY, SURE_SAD], [0.0, 0.0], id="all of no quality"),
    ],
)
def test_where_all_weights_are_zero_the_present_weigh_the_same(rows, quality):
    pooled = EntropyTrust().fuse(evidence(rows, quality=quality))
    assert pooled.weights[0] == pytest.approx([0.5, 0.5])
    assert pooled.p[0] == pytest.approx(np.mean(rows, axis=0))


def test_uniform_is_the_mean_of_the_present():
    pooled = Uniform().fuse(evidence([SURE_HAPPY, FLAT, SURE_SAD], present=[True, False, True]))
    assert pooled.weights[0] == pytest.approx([0.5, 0.0, 0.5])
    assert pooled.p[0] == pytest.approx(HALF)


@every_rule
@given(given_evidence=evidences())
def test_the_pool_is_a_distribution_and_weights_sum_to_one_over_the_present(rule, given_evidence):
    pooled = rule.fuse(given_evidence)
    assert pooled.p.min() >= 0.0
    assert pooled.p.sum(axis=1) == pytest.approx(1.0)
    assert (pooled.weights[~given_evidence.present] == 0.0).all()
    assert pooled.weights.sum(axis=1) == pytest.approx(given_evidence.present.any(axis=1).astype(float))


@every_rule
@given(given_evidence=evidences(), data=st.data())
def test_the_order_of_the_modalities_does_not_matter(rule, given_evidence, data):
    n = given_evidence.trust.shape[1]
    order = data.draw(st.permutations(range(n)))
    shuffled = Evidence(
        given_evidence.p[:, order],
        given_evidence.present[:, order],
        given_evidence.quality[:, order],
        given_evidence.trust[:, order],
    )
    assert rule.fuse(shuffled).p == pytest.approx(rule.fuse(given_evidence).p)


@every_rule
@given(given_evidence=evidences(), only=st.integers(0, 3))
def test_one_modality_alone_is_itself(rule, given_evidence, only):
    only %= given_evidence.trust.shape[1]
    alone = np.zeros_like(given_evidence.present)
    alone[:, only] = True
    pooled = rule.fuse(Evidence(given_evidence.p, alone, given_evidence.quality, given_evidence.trust))
    assert pooled.p == pytest.approx(given_evidence.p[:, only])


@every_rule
@given(given_evidence=evidences())
def test_windows_are_fused_independently(rule, given_evidence):
    together = rule.fuse(given_evidence).p
    for w in range(len(together)):
        alone = Evidence(
            given_evidence.p[w : w + 1],
            given_evidence.present[w : w + 1],
            given_evidence.quality[w : w + 1],
            given_evidence.trust[w : w + 1],
        )
        assert rule.fuse(alone).p[0] == pytest.approx(together[w])


@every_rule
def test_nothing_present_gives_no_weight(rule):
    pooled = rule.fuse(evidence([SURE_HAPPY, SURE_SAD], present=[False, False]))
    assert pooled.weights[0] == pytest.approx([0.0, 0.0])
    assert pooled.p[0] == pytest.approx(FLAT)


@pytest.mark.parametrize(
    ("rows", "present", "expected"),
    [
        pytest.param([SURE_HAPPY, SURE_SAD], [True, True], 1.0, id="two that contradict"),
        pytest.param([SURE_HAPPY, SURE_HAPPY], [True, True], 0.0, id="two that agree"),
        pytest.param([SURE_HAPPY, SURE_SAD], [True, False], 0.0, id="one alone"),
        pytest.param([SURE_HAPPY, SURE_SAD, np.eye(7)[3]], [True] * 3, 1.0, id="three that contradict"),
        pytest.param([SURE_HAPPY, SURE_SAD, FLAT], [True, True, False], 1.0, id="an absent one has no say"),
    ],
)
def test_disagreement_is_a_share_of_its_maximum(rows, present, expected):
    assert disagreement(np.array([rows]), np.array([present]))[0] == pytest.approx(expected, abs=1e-9)


@given(given_evidence=evidences())
def test_disagreement_and_uncertainty_are_shares(given_evidence):
    split = disagreement(given_evidence.p, given_evidence.present)
    assert ((split >= 0.0) & (split <= 1.0)).all()
    spread = uncertainty(given_evidence.p)
    assert ((spread >= 0.0) & (spread <= 1.0)).all()


def test_entropy_counts_nothing_for_a_zero():
    assert entropy(SURE_HAPPY) == 0.0
    assert entropy(FLAT) == pytest.approx(np.log(7))


def test_an_unknown_rule_is_an_error_that_names_the_known():
    with pytest.raises(SettingsError, match="entropy_trust, uniform"):
        rule_named("majority")
