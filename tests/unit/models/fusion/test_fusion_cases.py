"""The rules' arithmetic, by worked cases."""

import numpy as np
import pytest
from support.fusion_evidence import (
    AS_BEFORE,
    FITTED,
    FLAT,
    HALF,
    MOSTLY_HAPPY,
    MOSTLY_SAD,
    RULES,
    SURE_HAPPY,
    SURE_SAD,
    cooled,
    evidence,
)
from support.fusion_fitted import TEMPERATURES

from affectstream.models.fusion import network_rule
from affectstream.models.fusion.evidence import disagreement, entropy, uncertainty
from affectstream.models.fusion.networks import FORWARD
from affectstream.models.fusion.pools import EntropyTrust, EqualLogPool, Uniform
from affectstream.models.fusion.rules import names, on_probabilities, rule_named, rules
from affectstream.models.hub.labels import label_map, lifted
from affectstream.schemas.errors import SettingsError

every_rule = pytest.mark.parametrize("name", RULES)


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


def test_the_log_pool_is_the_geometric_mean_under_trust():
    pooled = EqualLogPool().fuse(evidence([MOSTLY_HAPPY, AS_BEFORE], trust=[0.9, 0.3]))
    raw = MOSTLY_HAPPY**0.75 * AS_BEFORE**0.25
    assert pooled.weights[0] == pytest.approx([0.75, 0.25])
    assert pooled.p[0] == pytest.approx(raw / raw.sum())


def test_the_product_is_that_of_bayes_for_those_who_are_there():
    pooled = RULES["product"].fuse(evidence([MOSTLY_HAPPY, SURE_SAD, AS_BEFORE], present=[True, False, True]))
    raw = MOSTLY_HAPPY * AS_BEFORE / np.array(FITTED.prior)
    assert pooled.p[0] == pytest.approx(raw / raw.sum())


def test_the_gated_pool_is_the_formula_of_its_page():
    rows, quality = np.array([MOSTLY_HAPPY, MOSTLY_SAD, AS_BEFORE]), np.array([0.1, 0.9, 0.5])
    own = cooled(rows, TEMPERATURES)
    gates = np.array([(g.a, g.b, g.c) for g in FITTED.gated.gates.values()]).T
    w = np.log1p(np.exp(gates[0] + gates[1] * (1 - uncertainty(own)) + gates[2] * quality))
    scores = w @ np.log(own) + (1 - w.sum()) * np.log(FITTED.prior) + np.array(FITTED.gated.bias)
    # no modality has more than half of the weight, so the temperature after pooling is in full force
    assert w.max() < w.sum() / 2
    expected = np.exp(scores / FITTED.after["gated_log_pool"])
    pooled = RULES["gated_log_pool"].fuse(evidence(rows, quality=list(quality)))
    assert pooled.p[0] == pytest.approx(expected / expected.sum())
    assert pooled.weights[0] == pytest.approx(w / w.sum())


def test_dempster_agrees_with_the_textbook_two_by_two():
    # Shafer: b = (b1 b2 + b1 u2 + b2 u1) / (1 - conflict), u = u1 u2 / (1 - conflict)
    fitted = FITTED.model_copy(update={"after": {}})
    own = cooled(np.array([MOSTLY_HAPPY, MOSTLY_SAD]), TEMPERATURES[:2])
    belief = np.array([0.8, 0.7]) * (1 - uncertainty(own))
    (b1, b2), (u1, u2) = belief[:, None] * own, 1 - belief
    total = 1 - (belief[0] * belief[1] - (b1 * b2).sum())
    mean = (belief[:, None] * own).sum(axis=0) / belief.sum()
    pooled = on_probabilities(fitted)["dempster"].fuse(
        evidence([MOSTLY_HAPPY, MOSTLY_SAD, FLAT], present=[True, True, False])
    )
    assert pooled.p[0] == pytest.approx((b1 * b2 + b1 * u2 + b2 * u1 + u1 * u2 * mean) / total)


def test_a_set_of_modalities_that_was_not_stacked_is_pooled_by_equal_logs():
    fitted = FITTED.model_copy(update={"after": {}, "stacking": {}})
    own = cooled(np.array([MOSTLY_HAPPY, MOSTLY_SAD]), TEMPERATURES[:2])
    raw = np.sqrt(own[0] * own[1])
    pooled = on_probabilities(fitted)["stacking"].fuse(
        evidence([MOSTLY_HAPPY, MOSTLY_SAD, FLAT], present=[True, True, False])
    )
    assert pooled.p[0] == pytest.approx(raw / raw.sum())


@pytest.mark.parametrize("name", [name for name in RULES if name != "uniform"])
def test_less_trust_is_less_say(name):
    rows = [MOSTLY_HAPPY, MOSTLY_SAD, AS_BEFORE]
    shares = [
        RULES[name].fuse(evidence(rows, trust=[trust, 0.6, 0.5])).weights[0, 0] for trust in (0.7, 0.35, 0.05)
    ]
    assert shares[0] > shares[1] > shares[2]


@pytest.mark.parametrize("name", ["product", "learned_log_pool", "gated_log_pool", "dempster", "stacking"])
def test_trust_at_its_usual_value_and_above_changes_nothing(name):
    rows = [MOSTLY_HAPPY, MOSTLY_SAD, AS_BEFORE]
    usual = [expert.trust for expert in FITTED.experts.values()]
    pooled = RULES[name].fuse(evidence(rows, trust=usual))
    assert (pooled.p == RULES[name].fuse(evidence(rows, trust=[1.0, 1.0, 1.0])).p).all()


@pytest.mark.parametrize("name", ["log_pool", "product", "learned_log_pool", "gated_log_pool", "stacking"])
def test_a_zero_is_no_veto(name):
    rows = [MOSTLY_SAD, np.where(np.arange(7) == 2, 0.0, 1 / 6), MOSTLY_SAD]
    assert RULES[name].fuse(evidence(rows)).p[0, 2] > 1e-3


@every_rule
def test_flat_contradictions_are_pooled_to_numbers(name):
    pooled = RULES[name].fuse(evidence([SURE_HAPPY, SURE_SAD, np.eye(7)[3]]))
    assert np.isfinite(pooled.p).all()
    assert pooled.p[0, [1, 2, 3]].sum() == pytest.approx(1.0, abs=0.06)


@pytest.mark.parametrize("name", ["log_pool", "product", "learned_log_pool", "gated_log_pool", "stacking"])
def test_a_class_that_a_model_does_not_have_can_still_win(name):
    four = label_map(["angry", "happy", "neutral", "sad"], "four")
    sure_of_angry = lifted(np.array([[0.7, 0.1, 0.1, 0.1]]), four).p[0]
    afraid = np.array([0.02, 0.02, 0.02, 0.04, 0.86, 0.02, 0.02])
    pooled = RULES[name].fuse(evidence([sure_of_angry, afraid, afraid]))
    assert pooled.p[0].argmax() == 4


@every_rule
def test_nothing_present_gives_no_weight(name):
    pooled = RULES[name].fuse(evidence([SURE_HAPPY, SURE_SAD, HALF], present=[False, False, False]))
    assert pooled.weights[0] == pytest.approx([0.0, 0.0, 0.0])
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


def test_entropy_counts_nothing_for_a_zero():
    assert entropy(SURE_HAPPY) == 0.0
    assert entropy(FLAT) == pytest.approx(np.log(7))


def test_an_unknown_rule_is_an_error_that_names_the_known():
    with pytest.raises(SettingsError, match=r"entropy_trust, uniform, log_pool, .*, stacking, concat"):
        rule_named("majority", FITTED)


def test_a_fitted_rule_without_a_file_is_an_error_that_says_what_to_do():
    with pytest.raises(SettingsError, match=r"gated_log_pool.*fusion\.fitted"):
        rule_named("gated_log_pool")


def test_every_name_has_a_rule_and_fitted_rules_are_named_after_their_file():
    plain = {"uniform", "entropy_trust", "log_pool"}
    for name, rule in RULES.items():
        assert rule.name == (name if name in plain else f"{name}/{FITTED.sha256[:8]}")
    assert set(on_probabilities(None)) == plain
    assert set(RULES) <= set(rules(FITTED)) <= set(names())


@pytest.mark.parametrize("name", FORWARD)
def test_a_network_that_was_not_trained_is_an_error(name, monkeypatch):
    monkeypatch.setattr(network_rule, "rules", lambda fallback: {})
    with pytest.raises(SettingsError, match=f"{name}.*not trained"):
        rule_named(name, FITTED)
