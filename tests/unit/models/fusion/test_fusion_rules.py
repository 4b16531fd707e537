"""What every rule promises, whatever it is given."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.fusion_evidence import FITTED, FLAT, RULES, evidences
from support.fusion_fitted import relabelled

from affectstream.models.fusion.evidence import Evidence, disagreement, uncertainty
from affectstream.models.fusion.rules import on_probabilities

every_rule = pytest.mark.parametrize("name", RULES)
few = settings(max_examples=20, deadline=None)


def one_each(e, window):
    return Evidence(*(x[window : window + 1] for x in (e.p, e.present, e.quality, e.trust)))


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
def test_one_modality_alone_is_itself(name, e, only):
    alone = np.zeros_like(e.present)
    alone[:, only] = True
    pooled = RULES[name].fuse(replace(e, present=alone))
    assert pooled.p == pytest.approx(e.p[:, only])


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


@given(e=evidences())
def test_disagreement_and_uncertainty_are_shares(e):
    split = disagreement(e.p, e.present)
    assert ((split >= 0.0) & (split <= 1.0)).all()
    spread = uncertainty(e.p)
    assert ((spread >= 0.0) & (spread <= 1.0)).all()
