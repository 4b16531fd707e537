"""docs/alerts.md and the shipped file say everything that a rule and its settings may hold."""

import re
from pathlib import Path

from support.paths import ROOT

import affectstream.analytics
from affectstream.analytics.rules import DEFAULT, Rule
from affectstream.runtime.settings import describe, load
from affectstream.schemas.alert import Alert

PAGE = (ROOT / "docs" / "alerts.md").read_text(encoding="utf-8")
SHIPPED = (Path(affectstream.analytics.__file__).parent / DEFAULT).read_text(encoding="utf-8")


def test_every_field_of_a_rule_is_explained_where_it_is_written() -> None:
    for name in Rule.model_fields:
        assert f"| `{name}` |" in PAGE, name
        assert f"#   {name} " in SHIPPED, name


def test_every_setting_is_named_but_where_to_listen() -> None:
    keys = {line.key for line in describe(load()) if line.key.startswith("alerts.")}
    assert {key for key in keys if f"`{key}`" not in PAGE} == {"alerts.health_host"}


def test_every_field_of_an_alert_is_named() -> None:
    named = {"session_id": "session"}
    for name in Alert.model_fields:
        assert name == "type" or f"`{named.get(name, name)}`" in PAGE, name


def test_the_page_states_the_constants_of_the_code() -> None:
    from affectstream.analytics import changes
    from affectstream.workers.alerts import REDIS_WAIT_S

    assert f"at least {changes.LEVEL:g} and the largest within {changes.SIDE_MS // 1000} s" in PAGE
    rule = changes.RULE
    assert f"Disagreement of at least {rule.level:g} for two seconds, until it is below {rule.low:g}" in PAGE
    assert f"after {REDIS_WAIT_S:g} seconds" in PAGE


def test_the_files_that_the_page_names_are_there() -> None:
    named = re.findall(r"`((?:analytics|tests)/[\w/.]*)`", PAGE)
    assert len(named) >= 5
    assert [name for name in named if not (ROOT / name).exists()] == []
