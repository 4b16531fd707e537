"""Trust: what the cards say, by class, of late, by age, and an operator's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from affectstream.models.fusion import trust
from affectstream.models.weights import read_card
from affectstream.runtime import operator_trust
from affectstream.runtime.settings import TrustSettings
from affectstream.schemas.errors import InputError
from affectstream.schemas.messages import MODALITIES, Modality

MINUTE_MS = 60_000
SURE_HAPPY, SURE_SAD = np.eye(7)[1], np.eye(7)[2]
FLAT = np.full(7, 1 / 7)

unit = st.floats(0.0, 1.0)
rows = st.lists(st.floats(0.001, 1.0), min_size=7, max_size=7).map(lambda r: np.array(r) / sum(r))


@pytest.mark.parametrize(("modality", "card"), [("video", "face"), ("audio", "voice"), ("text", "text")])
def test_without_a_fitted_file_trust_is_the_cards(modality: Modality, card: str) -> None:
    assert trust.CARDS[modality] == pytest.approx(read_card(card).trust, abs=0.005)
    assert getattr(TrustSettings(), modality) is None


def test_trust_by_class_is_expected_over_what_the_modality_says() -> None:
    table = trust.table({"video": 0.8, "audio": [0.9, 0.5, 0.1, 0.5, 0.5, 0.5, 0.5]})
    said = np.array([SURE_HAPPY, (SURE_HAPPY + SURE_SAD) / 2, FLAT])
    assert trust.reliability(said, table) == pytest.approx([0.8, 0.3, 1.0])


def test_a_modality_that_says_nothing_has_the_mean_of_its_classes() -> None:
    table = trust.table({"audio": [0.7, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]})
    assert trust.reliability(np.array([FLAT] * 3), table)[1] == pytest.approx(0.1)


@given(ps=st.lists(rows, min_size=3, max_size=3), values=st.lists(unit, min_size=7, max_size=7))
def test_expected_trust_lies_between_the_classes(ps: list[np.ndarray], values: list[float]) -> None:
    found = trust.reliability(np.array(ps), trust.table(dict.fromkeys(MODALITIES, values)))
    assert (found >= min(values) - 1e-9).all()
    assert (found <= max(values) + 1e-9).all()


def test_agreement_is_with_the_mean_of_the_others_that_spoke() -> None:
    p = np.array([SURE_HAPPY, SURE_SAD, (SURE_HAPPY + SURE_SAD) / 2])
    assert trust.agreements(p, [True, True, False]) == [0.0, 0.0, None]
    half = trust.agreements(p, [True, True, True])
    assert half == pytest.approx([0.5, 0.5, 1.0])
    assert trust.agreements(p, [False, True, False]) == [None, None, None]


@given(ps=st.lists(rows, min_size=3, max_size=3), spoke=st.lists(st.booleans(), min_size=3, max_size=3))
def test_agreements_are_shares_and_one_for_equals(ps: list[np.ndarray], spoke: list[bool]) -> None:
    found = trust.agreements(np.array(ps), spoke)
    assert [a is not None for a in found] == [said and sum(spoke) > 1 for said in spoke]
    assert all(0.0 <= a <= 1.0 for a in found if a is not None)
    equal = trust.agreements(np.array([ps[0]] * 3), spoke)
    assert all(a == pytest.approx(1.0) for a in equal if a is not None)


@given(before=unit, seen=st.one_of(st.none(), unit), elapsed=st.integers(0, 10**9))
def test_running_agreement_goes_towards_what_is_seen_or_neutral_and_stays_a_share(
    before: float, seen: float | None, elapsed: int
) -> None:
    after = trust.remembered(before, elapsed, seen)
    target = trust.NEUTRAL if seen is None else seen
    assert min(before, target) - 1e-9 <= after <= max(before, target) + 1e-9
    assert trust.WORST <= trust.factor(after) <= trust.BEST


def test_half_of_a_quarrel_is_forgotten_in_the_half_life_and_all_of_it_in_an_hour() -> None:
    half = trust.remembered(0.0, trust.AGREEMENT_HALF_LIFE_MS)
    assert half == pytest.approx(trust.NEUTRAL / 2)
    assert trust.factor(trust.remembered(0.0, 60 * MINUTE_MS)) == pytest.approx(1.0)


@given(before=unit, parts=st.lists(st.integers(0, MINUTE_MS), min_size=1, max_size=5))
def test_it_decays_by_time_and_not_by_the_number_of_windows(before: float, parts: list[int]) -> None:
    stepwise = before
    for part in parts:
        stepwise = trust.remembered(stepwise, part)
    assert stepwise == pytest.approx(trust.remembered(before, sum(parts)))


@pytest.mark.parametrize(("agreement", "factor"), [(0.0, 0.5), (trust.NEUTRAL, 1.0), (1.0, 1.2)])
def test_the_factor_is_bounded_and_neutral_changes_nothing(agreement: float, factor: float) -> None:
    assert trust.factor(agreement) == pytest.approx(factor)


def test_what_is_older_is_trusted_less() -> None:
    assert trust.freshness(0) == 1.0
    assert trust.freshness(trust.HELD_HALF_LIFE_MS) == 0.5


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({}, {}, id="nothing"),
        pytest.param({"video": "0.4"}, {"video": 0.4}, id="set by hand"),
        pytest.param({"video": "0.4", "video_until_ms": "1001"}, {"video": 0.4}, id="not over"),
        pytest.param({"video": "0.4", "video_until_ms": "1000"}, {}, id="over"),
        pytest.param({"video": "1.5", "audio": "-0.1", "text": "1"}, {"text": 1.0}, id="no share"),
        pytest.param({"video": "much", "audio": "nan", "text": ""}, {}, id="no number"),
        pytest.param({"video": "0.4", "video_until_ms": "soon"}, {}, id="no time"),
        pytest.param({"smell": "0.4"}, {}, id="no modality"),
    ],
)
def test_only_a_sound_trust_of_an_operators_holds(fields: dict[str, str], expected: dict[str, float]) -> None:
    assert operator_trust.in_force(fields, 1000) == expected


@pytest.mark.parametrize(
    "wrong", [{"video": 1.01}, {"video": -0.01}, {"video": float("nan")}, {"smell": 0.5}]
)
def test_an_impossible_trust_is_refused(wrong: dict[Modality, float]) -> None:
    with pytest.raises(InputError, match="between 0 and 1, for one of video, audio, text"):
        operator_trust.check(wrong)
