"""Where the reliability of each modality comes from: settings, the fitted file, the model cards."""

from types import SimpleNamespace

from affectstream.models.fusion.trust import CARDS
from affectstream.runtime.settings import as_env, load
from affectstream.workers.fusion.config import reliabilities

BY_CLASS = (0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3)


def fitted(**abstain):
    expert = SimpleNamespace(reliability=SimpleNamespace(value=BY_CLASS))
    return SimpleNamespace(experts=dict.fromkeys(CARDS, expert), abstain=abstain)


def test_reliability_is_the_settings_then_the_fitted_then_the_cards():
    plain, said = load().fusion, load(fusion={"trust": {"audio": 0.25}}).fusion
    assert reliabilities(plain, None) == CARDS
    assert reliabilities(plain, fitted()) == dict.fromkeys(CARDS, BY_CLASS)
    assert reliabilities(said, fitted()) == {"video": BY_CLASS, "audio": 0.25, "text": BY_CLASS}


def test_what_is_not_set_stays_so_in_a_subprocess():
    env = as_env(load())
    assert env["AFFECT_FUSION__TRUST__VIDEO"] == env["AFFECT_LABEL__MIN_PROBABILITY"] == "none"
