"""Agreement with the other modalities, and the trust that follows it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from affectstream.lab.fusion import agreement

MINUTE_MS = 60_000
SURE_HAPPY, SURE_SAD = np.eye(7)[1], np.eye(7)[2]

unit = st.floats(0.0, 1.0)
rows = st.lists(st.floats(0.001, 1.0), min_size=7, max_size=7).map(lambda r: np.array(r) / sum(r))


def test_agreement_is_with_the_mean_of_the_others_that_spoke() -> None:
    p = np.array([SURE_HAPPY, SURE_SAD, (SURE_HAPPY + SURE_SAD) / 2])
    assert agreement.agreements(p, [True, True, False]) == [0.0, 0.0, None]
    half = agreement.agreements(p, [True, True, True])
    assert half == pytest.approx([0.5, 0.5, 1.0])
    assert agreement.agreements(p, [False, True, False]) == [None, None, None]


@given(ps=st.lists(rows, min_size=3, max_size=3), spoke=st.lists(st.booleans(), min_size=3, max_size=3))
def test_agreements_are_shares_and_one_for_equals(ps: list[np.ndarray], spoke: list[bool]) -> None:
    found = agreement.agreements(np.array(ps), spoke)
    assert [a is not None for a in found] == [said and sum(spoke) > 1 for said in spoke]
    assert all(0.0 <= a <= 1.0 for a in found if a is not None)
    equal = agreement.agreements(np.array([ps[0]] * 3), spoke)
    assert all(a == pytest.approx(1.0) for a in equal if a is not None)


@given(before=unit, seen=st.one_of(st.none(), unit), elapsed=st.integers(0, 10**9))
def test_running_agreement_goes_towards_what_is_seen_or_neutral_and_stays_a_share(
    before: float, seen: float | None, elapsed: int
) -> None:
    after = agreement.remembered(before, elapsed, seen)
    target = agreement.NEUTRAL if seen is None else seen
    assert min(before, target) - 1e-9 <= after <= max(before, target) + 1e-9
    assert agreement.WORST <= agreement.factor(after) <= agreement.BEST


def test_half_of_a_quarrel_is_forgotten_in_the_half_life_and_all_of_it_in_an_hour() -> None:
    half = agreement.remembered(0.0, agreement.AGREEMENT_HALF_LIFE_MS)
    assert half == pytest.approx(agreement.NEUTRAL / 2)
    assert agreement.factor(agreement.remembered(0.0, 60 * MINUTE_MS)) == pytest.approx(1.0)


@given(before=unit, parts=st.lists(st.integers(0, MINUTE_MS), min_size=1, max_size=5))
def test_it_decays_by_time_and_not_by_the_number_of_windows(before: float, parts: list[int]) -> None:
    stepwise = before
    for part in parts:
        stepwise = agreement.remembered(stepwise, part)
    assert stepwise == pytest.approx(agreement.remembered(before, sum(parts)))


@pytest.mark.parametrize(("value", "factor"), [(0.0, 0.5), (agreement.NEUTRAL, 1.0), (1.0, 1.2)])
def test_the_factor_is_bounded_and_neutral_changes_nothing(value: float, factor: float) -> None:
    assert agreement.factor(value) == pytest.approx(factor)
