"""The rules' arithmetic, by worked cases and laws."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.fusion_fitted import TEMPERATURES, example, relabelled

from models.fusion import exported
from models.fusion.choose import names, on_probabilities, rule_named, rules
from models.fusion.evidence import Evidence, disagreement, entropy, uncertainty
from models.fusion.exported_networks import FORWARD
from models.fusion.pools import EqualLogPool
from models.fusion.rules import EntropyTrust, Uniform
from models.hub.labels import label_map, lifted
from schemas.errors import SettingsError

SURE_HAPPY = np.eye(7)[1]
SURE_SAD = np.eye(7)[2]
FLAT = np.full(7, 1 / 7)
HALF = (SURE_HAPPY + SURE_SAD) / 2
FITTED = example()
RULES = on_probabilities(FITTED)
CALIBRATING = {"entropy_trust_before", "learned_log_pool", "gated_log_pool", "dempster", "stacking"}


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
    """One to four windows of three modalities, from nearly flat to certain, with zeros among them."""
    dice = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    windows = draw(st.integers(1, 4))
    raw = dice.random((windows, 3, 7)) ** draw(st.sampled_from([0.1, 1.0, 4.0, 30.0]))
    raw = np.where(dice.random(raw.shape) < draw(st.sampled_from([0.0, 0.5])), 0.0, raw)
    raw[..., 3] += 1e-3
    return Evidence(
        p=raw / raw.sum(axis=2, keepdims=True),
        present=dice.random((windows, 3)) < draw(st.sampled_from([0.5, 1.0])),
        quality=dice.random((windows, 3)) * draw(st.sampled_from([0.0, 1.0])),
        trust=dice.uniform(0.05, 1.0, (windows, 3)),
    )


def one_each(e, window):
    return Evidence(*(x[window : window + 1] for x in (e.p, e.present, e.quality, e.trust)))


def cooled(p, temperatures):
    powered = p ** (1 / np.array(temperatures))[..., None]
    return powered / powered.sum(axis=-1, keepdims=True)


every_rule = pytest.mark.parametrize("name", RULES)
few = settings(max_examples=20, deadline=None)


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


MOSTLY_HAPPY = np.array([0.1, 0.5, 0.1, 0.1, 0.1, 0.05, 0.05])
MOSTLY_SAD = np.array([0.1, 0.1, 0.5, 0.1, 0.1, 0.05, 0.05])
AS_BEFORE = np.array([0.3, 0.2, 0.2, 0.1, 0.1, 0.05, 0.05])


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


@every_rule
@given(e=evidences())
@few
def test_the_pool_is_a_distribution_and_weights_sum_to_one_over_the_present(name, e):
    pooled = RULES[name].fuse(e)
    assert pooled.p.min() >= 0.0
    assert pooled.p.sum(axis=1) == pytest.approx(1.0)
    assert pooled.weights.min() >= 0.0
    assert (pooled.weights[~e.present] == 0.0).all()
    assert pooled.weights.sum(axis=1) == pytest.approx(e.present.any(axis=1).astype(float))


@every_rule
@given(e=evidences(), order=st.permutations(range(3)))
@few
def test_the_order_of_the_modalities_does_not_matter(name, e, order):
    shuffled = Evidence(e.p[:, order], e.present[:, order], e.quality[:, order], e.trust[:, order])
    pooled = on_probabilities(relabelled(FITTED, order))[name].fuse(shuffled)
    assert pooled.p == pytest.approx(RULES[name].fuse(e).p)
    assert pooled.weights == pytest.approx(RULES[name].fuse(e).weights[:, order])


@every_rule
@given(e=evidences(), only=st.integers(0, 2))
@few
def test_one_modality_alone_is_itself_calibrated_where_the_rule_calibrates(name, e, only):
    alone = np.zeros_like(e.present)
    alone[:, only] = True
    pooled = RULES[name].fuse(replace(e, present=alone))
    expected = cooled(e.p, TEMPERATURES) if name in CALIBRATING else e.p
    assert pooled.p == pytest.approx(expected[:, only])


@every_rule
@given(e=evidences(), where=st.integers(0, 2))
@few
def test_a_uniform_input_has_the_least_say(name, e, where):
    flat = e.p.copy()
    flat[:, where] = FLAT
    least = RULES[name].fuse(replace(e, p=flat)).weights[:, where]
    assert (least <= RULES[name].fuse(e).weights[:, where] + 1e-9).all() or _nobody_weighs(name, e)


def _nobody_weighs(name, e):
    """Where all weights are zero they are equal ones, and a flat input has one of them."""
    return name.startswith("entropy_trust") and bool((e.quality == 0.0).all())


@pytest.mark.parametrize("name", [name for name in RULES if name != "uniform"])
@given(e=evidences(), silent=st.integers(0, 2))
@few
def test_a_modality_without_trust_is_as_if_it_were_not_there(name, e, silent):
    trust, absent = e.trust.copy(), e.present.copy()
    trust[:, silent], absent[:, silent] = 0.0, False
    said = RULES[name].fuse(replace(e, trust=trust))
    unsaid = RULES[name].fuse(replace(e, present=absent))
    heard = absent.any(axis=1) & (e.quality > 0.0).all(axis=1)
    several = absent.sum(axis=1) >= 2
    assert said.p[heard & several] == pytest.approx(unsaid.p[heard & several])
    assert said.p[heard] == pytest.approx(unsaid.p[heard], abs=5e-3)  # the floor, for one alone


@pytest.mark.parametrize("name", [name for name in RULES if name not in ("uniform", "stacking")])
@given(e=evidences(), fading=st.integers(0, 2))
@few
def test_a_modality_that_fades_leaves_without_a_jump(name, e, fading):
    trust, faded = e.trust.copy(), e.trust.copy()
    trust[:, fading], faded[:, fading] = 0.0, 1e-7
    seen = replace(e, quality=np.maximum(e.quality, 0.1), present=np.ones_like(e.present))
    before = RULES[name].fuse(replace(seen, trust=faded)).p
    assert before == pytest.approx(RULES[name].fuse(replace(seen, trust=trust)).p, abs=1e-4)


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
    sure_of_angry = lifted(np.array([[0.7, 0.1, 0.1, 0.1]]), four)[0, :7]
    afraid = np.array([0.02, 0.02, 0.02, 0.04, 0.86, 0.02, 0.02])
    pooled = RULES[name].fuse(evidence([sure_of_angry, afraid, afraid]))
    assert pooled.p[0].argmax() == 4


@every_rule
@given(e=evidences())
@few
def test_windows_are_fused_independently(name, e):
    together = RULES[name].fuse(e).p
    for w in range(len(together)):
        assert RULES[name].fuse(one_each(e, w)).p[0] == pytest.approx(together[w])


@every_rule
@given(e=evidences())
@few
def test_one_window_gives_the_same_bits_wherever_its_numbers_lie(name, e):
    for w in range(len(e.p)):
        first = RULES[name].fuse(one_each(e, w))
        wide = np.zeros((1, 3, 15))
        wide[:, :, 1:14:2] = e.p[w]
        moved = replace(one_each(e, w), p=wide[:, :, 1:14:2].copy())
        assert RULES[name].fuse(moved).p.tobytes() == first.p.tobytes()


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


@given(e=evidences())
def test_disagreement_and_uncertainty_are_shares(e):
    split = disagreement(e.p, e.present)
    assert ((split >= 0.0) & (split <= 1.0)).all()
    spread = uncertainty(e.p)
    assert ((spread >= 0.0) & (spread <= 1.0)).all()


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
    monkeypatch.setattr(exported, "rules", lambda fallback: {})
    with pytest.raises(SettingsError, match=f"{name}.*not trained"):
        rule_named(name, FITTED)
