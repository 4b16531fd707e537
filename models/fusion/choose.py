"""The rules by name; imports the rules only."""

from models.fusion.evidence import Rule
from models.fusion.rules import EntropyTrust, Uniform
from schemas.errors import SettingsError

RULES: dict[str, Rule] = {rule.name: rule for rule in (EntropyTrust(), Uniform())}


def rule_named(name: str) -> Rule:
    """Return the rule of a setting; raises SettingsError for an unknown name."""
    if name not in RULES:
        raise SettingsError(f"fusion.rule is {name!r}; the rules are {', '.join(RULES)}")
    return RULES[name]
