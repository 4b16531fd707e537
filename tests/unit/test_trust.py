"""The trust that the fusion starts from is what the shipped models measured."""

import pytest

from models.weights import read_card
from runtime.settings import TrustSettings
from schemas.messages import Modality


@pytest.mark.parametrize(("modality", "card"), [("video", "face"), ("audio", "voice"), ("text", "text")])
def test_the_default_trust_is_the_cards(modality: Modality, card: str) -> None:
    assert getattr(TrustSettings(), modality) == pytest.approx(read_card(card).trust, abs=0.005)
