"""The file of alert rules: what it may say, and one clear line for every mistake in it."""

from pathlib import Path

import pytest

from affectstream.analytics.rules import parse, read
from affectstream.analytics.usual import shipped
from affectstream.schemas.errors import SettingsError

GOOD = {"name": "angry", "kind": "above", "emotions": ["angry"], "level": 0.6, "seconds": 5}

USUAL = {"a-voice": [0.4] + 6 * [0.1]}

MISTAKES = [
    pytest.param({"emotions": ["angri"]}, "'angry': emotions: there is no 'angri'", id="emotion"),
    pytest.param({"emotions": ["angry", "angry"]}, "emotions: names an emotion twice", id="twice"),
    pytest.param({"emotions": []}, "kind 'above' needs emotions", id="no emotion"),
    pytest.param({"kind": "disagreement"}, "takes no emotions", id="emotions of a disagreement"),
    pytest.param({"level": 1.5}, "rule 'angry': level: .*less than or equal to 1", id="level"),
    pytest.param({"hysteresis": 0.6}, "hysteresis 0.6 must be below level 0.6", id="hysteresis"),
    pytest.param({"seconds": 0}, "seconds: .*greater than 0", id="no time"),
    pytest.param({"seconds": 601}, "seconds: .*less than or equal to 600", id="too long"),
    pytest.param({"kind": "below"}, "kind: .*'above', 'average', 'rise' or", id="kind"),
    pytest.param({"above_own": 0}, "above_own: .*greater than 0", id="own level"),
    pytest.param({"kind": "rise", "above_own": 0.1}, "'rise' takes no above_own", id="own level of a rise"),
    pytest.param({"relative": {"v": [0.5]}}, "relative: 'v' needs 7 probabilities", id="too few"),
    pytest.param({"relative": {"v": [0.0] + 6 * [0.1]}}, "'v' needs 7 .* above 0", id="never"),
    pytest.param({"relative": USUAL, "above_own": 0.1}, "relative or above_own, not both", id="own twice"),
    pytest.param({"kind": "rise", "relative": USUAL}, "'rise' takes neither relative", id="relative rise"),
    pytest.param({"against": ["hapy"]}, "against: there is no 'hapy', did you mean 'happy'", id="rival"),
    pytest.param({"against": ["sad", "angry"]}, "against names angry, which is among", id="own rival"),
    pytest.param({"against_words": ["sad"]}, "against_words needs relative", id="words, fused"),
    pytest.param({"relative": USUAL, "against_words": ["angry"]}, "against_words names angry", id="own"),
    pytest.param({"parties": ["boss"]}, "parties.0: .*'customer', 'agent' or 'other'", id="party"),
    pytest.param({"parties": []}, "parties: .*at least 1", id="nobody"),
    pytest.param({"name": "Very Angry"}, "rule 'Very Angry': name: ", id="name"),
    pytest.param({"name": None}, "rule number 1: name: ", id="no name"),
    pytest.param({"treshold": 1}, "treshold: Extra inputs", id="unknown field"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "told"), MISTAKES)
def test_a_mistake_is_named_with_its_rule(change: dict[str, object], told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        parse({"rule": [GOOD | change]}, "mine.toml")


def test_a_good_rule_has_its_defaults() -> None:
    (rule,) = parse({"rule": [GOOD]}, "mine.toml")
    assert (rule.hysteresis, rule.low, rule.cooldown_s, rule.parties) == (0.1, 0.5, 0.0, ("customer",))
    assert rule.span_ms == 5000


def test_two_rules_of_one_name_are_refused() -> None:
    with pytest.raises(SettingsError, match="two rules are named 'angry'"):
        parse({"rule": [GOOD, GOOD]}, "mine.toml")


def test_a_file_without_rules_watches_nothing_and_one_with_more_is_refused() -> None:
    assert parse({}, "mine.toml") == ()
    with pytest.raises(
        SettingsError, match=r"mine\.toml: the file holds tables \[\[rule\]\] and nothing else"
    ):
        parse({"rules": [GOOD]}, "mine.toml")
    with pytest.raises(SettingsError, match="nothing else"):
        parse({"rule": GOOD}, "mine.toml")


def test_a_file_that_cannot_be_read_names_the_setting(tmp_path: Path) -> None:
    with pytest.raises(
        SettingsError, match=r"none\.toml: No such file or directory; see the setting alerts\.rules"
    ):
        read(tmp_path / "none.toml")
    (tmp_path / "broken.toml").write_text("[[rule")
    with pytest.raises(SettingsError, match=r"broken\.toml: not TOML"):
        read(tmp_path / "broken.toml")
    (tmp_path / "mine.toml").write_text('[[rule]]\nname="a"\nkind="disagreement"\nlevel=0.5\nseconds=2\n')
    assert [rule.name for rule in read(tmp_path / "mine.toml")] == ["a"]


def test_a_relative_rule_may_compare_with_what_the_shipped_voice_makes_of_routine_calls() -> None:
    for given, expected in [(True, shipped()), (False, {}), (USUAL, {"a-voice": tuple(USUAL["a-voice"])})]:
        (rule,) = parse({"rule": [GOOD | {"relative": given}]}, "here")
        assert rule.relative == expected
