"""The laws of fusion under disagreement, for every rule that may be the default."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.fusion_evidence import FLAT, RULES, evidence, evidences

from affectstream.models.fusion.bounded import CONFLICT, conflict
from affectstream.models.fusion.parameters import available
from affectstream.models.fusion.rules import on_probabilities
from affectstream.runtime.settings import load

DEFAULT = load().fusion.rule
LAWFUL = {"fitted for tests": RULES[DEFAULT], "shipped": on_probabilities(available(None))[DEFAULT]}
PER_SHARE = 5.0  # total variation that a modality may cause, per share that it has
ROUNDING = 1e-12

every_default = pytest.mark.parametrize("name", LAWFUL)
many = settings(max_examples=200, deadline=None)


@st.composite
def two_that_contradict(draw):
    """Two modalities, each sure (0.4 to 0.999) of a label of its own."""
    labels = draw(st.lists(st.integers(0, 6), min_size=2, max_size=2, unique=True))
    rows = []
    for label in labels:
        sure = draw(st.floats(0.4, 0.999))
        rest = np.array(draw(st.lists(st.floats(0.01, 1.0), min_size=6, max_size=6)))
        rest = np.minimum(rest / rest.sum() * (1.0 - sure), sure * 0.99)
        rows.append(np.insert(rest, label, 1.0 - rest.sum()))
    return labels, evidence([*rows, FLAT], present=[True, True, False])


def without(e, modality):
    present = e.present.copy()
    present[:, modality] = False
    return replace(e, present=present)


def with_row(e, modality, row):
    p, present = e.p.copy(), e.present.copy()
    p[:, modality], present[:, modality] = row, True
    return replace(e, p=p, present=present)


def apart(first, second):
    """Return the total variation between distributions (windows, 7)."""
    return np.abs(first - second).sum(axis=1) / 2


@every_default
@given(e=evidences())
@many
def test_fused_confidence_is_never_above_the_highest_of_a_single_modality(name, e):
    surest = np.where(e.present, e.p.max(axis=2), 1 / 7).max(axis=1)
    assert (LAWFUL[name].fuse(e).p.max(axis=1) <= surest + ROUNDING).all()


@every_default
@given(drawn=two_that_contradict())
@many
def test_two_that_contradict_each_other_leave_mass_on_both(name, drawn):
    labels, e = drawn
    pooled = LAWFUL[name].fuse(e)
    degree = CONFLICT * conflict(e.p, pooled.weights)[0]
    for modality, label in enumerate(labels):
        kept = pooled.weights[0, modality] * e.p[0, modality, label]
        assert pooled.p[0, label] >= degree * kept - ROUNDING


@every_default
@given(e=evidences(), flat=st.integers(0, 2))
@many
def test_a_flat_modality_changes_nothing(name, e, flat):
    rest = without(e, flat)
    spoken = rest.present.any(axis=1) & (e.quality > 0.0).all(axis=1)
    informed = (np.abs(e.p - 1 / 7).max(axis=2) > 0.05).all(axis=1)
    added, alone = (LAWFUL[name].fuse(x).p for x in (with_row(e, flat, FLAT), rest))
    assert (apart(added, alone)[spoken & informed] < 1e-9).all()


@every_default
@given(e=evidences(), other=st.integers(0, 2))
@many
def test_what_a_modality_changes_is_bounded_by_its_share(name, e, other):
    whole = replace(e, present=np.ones_like(e.present))
    added, alone = (LAWFUL[name].fuse(x) for x in (whole, without(whole, other)))
    assert (apart(added.p, alone.p) <= PER_SHARE * added.weights[:, other] + ROUNDING).all()


@every_default
@given(e=evidences(), odd=st.integers(0, 2), seed=st.integers(0, 1000))
@many
def test_a_nearly_flat_modality_changes_little_beside_one_that_is_sure(name, e, odd, seed):
    nearly = np.random.default_rng(seed).dirichlet(np.full(7, 400.0))  # largest probability near 0.16
    good = replace(e, quality=np.full_like(e.quality, 0.8), trust=np.ones_like(e.trust))
    sure = np.where(good.present, good.p.max(axis=2), 0.0)
    sure[:, odd] = 0.0
    added, alone = (LAWFUL[name].fuse(x).p for x in (with_row(good, odd, nearly), without(good, odd)))
    assert (apart(added, alone)[sure.max(axis=1) > 0.5] < 0.1).all()


def test_the_rules_that_were_fitted_to_agree_break_the_laws():
    """Two whose second choice is the same, and a flat third: what each rule does that the default may not."""
    first = [0.5, 0.46, 0.01, 0.01, 0.01, 0.005, 0.005]
    second = [0.01, 0.46, 0.5, 0.01, 0.01, 0.005, 0.005]
    pair = evidence([first, second, FLAT], present=[True, True, False])
    broken = {name: _broken(rule, pair) for name, rule in RULES.items()}
    assert broken[DEFAULT] == broken["entropy_trust"] == set()
    assert broken["uniform"] == {"flat"}
    for name in ("log_pool", "product", "learned_log_pool", "gated_log_pool"):
        assert broken[name] == {"surest", "flat"}


def _broken(rule, pair):
    p = rule.fuse(pair).p
    moved = apart(rule.fuse(with_row(pair, 2, FLAT)).p, p)[0]
    found = {"surest": p.max() > 0.5 + ROUNDING, "flat": moved > 1e-6}
    return {law for law, hit in found.items() if hit}
