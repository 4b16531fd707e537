"""Trust: of the cards, by class, and an operator's."""

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
