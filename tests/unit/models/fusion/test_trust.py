"""Trust: of the cards, by situation, and an operator's."""

import numpy as np
import pytest

from affectstream.models.fusion import trust
from affectstream.models.weights import read_card
from affectstream.runtime import operator_trust
from affectstream.runtime.settings import TrustSettings
from affectstream.schemas.errors import InputError
from affectstream.schemas.messages import Modality


@pytest.mark.parametrize(("modality", "card"), [("video", "face"), ("audio", "voice"), ("text", "text")])
def test_trust_is_that_of_the_cards(modality: Modality, card: str) -> None:
    assert trust.CARDS[modality] == pytest.approx(read_card(card).trust, abs=0.005)
    assert getattr(TrustSettings(), modality) is None


def test_a_voice_by_telephone_is_trusted_as_on_corpora_that_it_never_heard() -> None:
    figures = read_card("voice").figures
    never_heard = [value for name, value in figures.items() if name.endswith("never heard: uar")]
    assert pytest.approx(np.mean(never_heard), abs=0.005) == trust.TELEPHONE


def test_a_voice_is_trusted_by_what_its_party_sends() -> None:
    table = trust.table({"video": 0.8, "audio": 0.7, "text": 0.5}, telephone=0.4)
    found = table[np.array([1, 0])]
    assert found.tolist() == [[0.8, 0.7, 0.5], [0.8, 0.4, 0.5]]


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
