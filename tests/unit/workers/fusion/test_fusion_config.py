"""What the join is told of trust, holding and display: by settings, by the fitted file, by the cards."""

from types import SimpleNamespace

import pytest

from affectstream.models.fusion.trust import CARDS
from affectstream.runtime.settings import as_env, load
from affectstream.schemas.errors import SettingsError
from affectstream.workers.fusion import told
from affectstream.workers.fusion.display import PLAIN

BY_CLASS = (0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3)


def fitted(**abstain):
    expert = SimpleNamespace(reliability=SimpleNamespace(value=BY_CLASS))
    return SimpleNamespace(experts=dict.fromkeys(CARDS, expert), abstain=abstain)


def test_trust_is_the_settings_then_the_fitted_then_the_cards():
    plain, said = load().fusion, load(fusion={"trust": {"audio": 0.25}}).fusion
    assert told.trust(plain, None) == CARDS
    assert told.trust(plain, fitted()) == dict.fromkeys(CARDS, BY_CLASS)
    assert told.trust(said, fitted()) == {"video": BY_CLASS, "audio": 0.25, "text": BY_CLASS}


@pytest.mark.parametrize(
    ("setting", "of_rule", "sure"),
    [
        pytest.param(None, None, 0.0, id="nothing said: always shown"),
        pytest.param(None, 0.45, 0.45, id="as fitted for the rule"),
        pytest.param(0.6, 0.45, 0.6, id="as set"),
        pytest.param(0.0, 0.45, 0.0, id="never uncertain, against what was fitted"),
    ],
)
def test_a_label_is_uncertain_below_what_is_set_or_fitted(setting, of_rule, sure):
    fusion = load(fusion={"display": {"sure": setting}}).fusion
    found = fitted(another=0.9) if of_rule is None else fitted(**{fusion.rule: of_rule})
    assert told.config(fusion, found).display.sure == sure


def test_by_default_nothing_is_held_smoothed_or_learnt_on_the_way():
    config = told.config(load().fusion, None)
    assert (config.display, config.online) == (PLAIN, False)
    assert not any(config.hold_ms.values())


def test_what_is_set_reaches_the_join():
    group = {
        "hold_ms": {"text": 4000},
        "trust": {"online": True},
        "display": {"hysteresis": 0.1, "dwell_ms": 2000},
    }
    config = told.config(load(fusion=group).fusion, None)
    assert (config.hold_ms["text"], config.online) == (4000, True)
    assert (config.display.hysteresis, config.display.dwell_ms) == (0.1, 2000)


def test_what_is_not_set_stays_so_in_a_subprocess():
    env = as_env(load())
    assert env["AFFECT_FUSION__TRUST__VIDEO"] == env["AFFECT_FUSION__DISPLAY__SURE"] == "none"
    assert env["AFFECT_FUSION__HOLD_MS__TEXT"] == "0"


@pytest.mark.parametrize("group", [{"hold_ms": {"text": 120_000}}, {"display": {"hysteresis": -0.1}}])
def test_the_impossible_is_refused(group):
    with pytest.raises(SettingsError, match=r"fusion\."):
        load(fusion=group)
