"""The rule that settings name is the one that fuses; what cannot be is said in one line."""

import pytest
from support.fusion_fitted import example, written

from affectstream.doctor import configuration
from affectstream.models.fusion import parameters
from affectstream.models.fusion.rules import on_probabilities
from affectstream.runtime.settings import load
from affectstream.schemas.errors import SettingsError
from affectstream.schemas.messages import FusedEmotion
from affectstream.workers.fusion.offline import offline_join
from benchmarks.workload import session


def fused_by(**fusion):
    join = offline_join(load(fusion=fusion).fusion)
    outputs = [output for item in session("s", 0, 2) for output in join.push(item)] + list(join.finish())
    return {w.rule for w in outputs if isinstance(w, FusedEmotion)}


@pytest.mark.parametrize("name", on_probabilities(example()))
def test_messages_name_the_rule_and_the_file_that_it_was_fitted_in(name, tmp_path):
    said = fused_by(rule=name, fitted=written(tmp_path))
    plain = name in ("uniform", "entropy_trust", "log_pool")
    assert said == {name if plain else f"{name}/{example().sha256[:8]}"}


@pytest.fixture
def nothing_shipped(tmp_path, monkeypatch):
    monkeypatch.setattr(parameters, "SHIPPED", tmp_path / "not-there.json")


def test_without_a_fitted_file_the_rules_that_need_none_work(nothing_shipped):
    for name in ("uniform", "entropy_trust", "log_pool"):
        assert fused_by(rule=name) == {name}


@pytest.mark.parametrize(
    ("fusion", "complaint"),
    [
        pytest.param({"rule": "majority"}, "the rules are entropy_trust, uniform", id="an unknown rule"),
        pytest.param({"rule": "stacking"}, "name a file in fusion.fitted", id="no fitted file"),
        pytest.param(
            {"fitted": "nowhere.json"}, "nowhere.json cannot be read", id="a file that is not there"
        ),
    ],
)
def test_what_cannot_be_is_an_error_that_says_what_can(fusion, complaint, nothing_shipped):
    with pytest.raises(SettingsError, match=complaint):
        offline_join(load(fusion=fusion).fusion)


def test_doctor_shows_what_is_wrong_with_the_rule(nothing_shipped, monkeypatch):
    monkeypatch.setenv("AFFECT_FUSION__RULE", "stacking")
    finding = next(f for f in configuration.examine() if f.name == "fusion rule")
    assert finding.state == "bad"
    assert "name a file in fusion.fitted" in finding.detail
