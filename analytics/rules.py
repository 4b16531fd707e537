"""Alert rules: their TOML file, and its validation with errors that name the rule at fault."""

import tomllib
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from affectstream.analytics import usual
from affectstream.schemas.alert import AlertKind
from affectstream.schemas.errors import SettingsError
from affectstream.schemas.fields import Unit
from affectstream.schemas.labels import EMOTIONS
from affectstream.schemas.messages import Party

DEFAULT = "alerts.toml"  # beside this module
LONGEST_S = 600

PerClass = tuple[float, ...]  # (7,)


class Rule(BaseModel):
    """When to raise an alert, and when it is over."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")
    kind: AlertKind
    emotions: tuple[str, ...] = ()  # their probabilities are added up
    level: Unit
    seconds: float = Field(gt=0, le=LONGEST_S)
    hysteresis: float = Field(0.1, ge=0)  # it is over below level - hysteresis
    above_own: float | None = Field(
        None, gt=0, le=1
    )  # and so far above the party's own level; none: no matter
    relative: dict[str, PerClass] = {}  # to the party's usual voice: what each model makes of routine calls
    against: tuple[str, ...] = ()  # its emotions must be twice as probable as these together
    against_words: tuple[str, ...] = ()  # of a relative rule: and as the words find these
    cooldown_s: float = Field(0.0, ge=0)  # after its end, no new one for so long
    min_confidence: Unit = 0.0  # windows below neither start nor end an alert
    parties: tuple[Party, ...] = Field(("customer",), min_length=1)

    @property
    def low(self) -> float:
        """The value below which an alert is over, without a party's own level."""
        return round(self.level - self.hysteresis, 6)

    @property
    def averages(self) -> bool:
        """Whether it measures means over ``seconds``, so that they need not pass once more."""
        return self.kind in ("rise", "average")

    @property
    def learns(self) -> bool:
        """Whether it compares with what is the party's own."""
        return bool(self.relative) or self.above_own is not None

    @property
    def span_ms(self) -> int:
        """``seconds`` in milliseconds."""
        return round(self.seconds * 1000)

    @property
    def cooldown_ms(self) -> int:
        """``cooldown_s`` in milliseconds."""
        return round(self.cooldown_s * 1000)

    @field_validator("emotions", "against", "against_words")
    @classmethod
    def _known(cls, emotions: tuple[str, ...]) -> tuple[str, ...]:
        for name in emotions:
            if name not in EMOTIONS:
                near = get_close_matches(name, EMOTIONS, n=1, cutoff=0.0)[0]
                raise ValueError(
                    f"there is no {name!r}, did you mean {near!r}? There are {_listed(EMOTIONS)}"
                )
        if len(set(emotions)) < len(emotions):
            raise ValueError("names an emotion twice")
        return emotions

    @field_validator("relative", mode="before")
    @classmethod
    def _shipped(cls, relative: object) -> object:
        return {True: usual.shipped(), False: {}}[relative] if isinstance(relative, bool) else relative

    @field_validator("relative")
    @classmethod
    def _positive(cls, relative: dict[str, PerClass]) -> dict[str, PerClass]:
        for model, each in relative.items():
            if len(each) != len(EMOTIONS) or not all(0.0 < p <= 1.0 for p in each):
                raise ValueError(f"{model!r} needs {len(EMOTIONS)} probabilities above 0, one per emotion")
        return relative

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        if self.hysteresis >= self.level:
            raise ValueError(
                f"hysteresis {self.hysteresis:g} must be below level {self.level:g}: it would never end"
            )
        if self.kind == "disagreement" and self.emotions:
            raise ValueError("kind 'disagreement' is between modalities and takes no emotions")
        if self.kind in ("disagreement", "rise") and self.above_own is not None:
            raise ValueError(f"kind {self.kind!r} takes no above_own: it is a comparison by itself")
        if self.kind in ("disagreement", "rise") and (self.relative or self.against):
            raise ValueError(f"kind {self.kind!r} takes neither relative nor against")
        if self.relative and self.above_own is not None:
            raise ValueError("takes relative or above_own, not both: each compares with the party's own")
        if self.kind != "disagreement" and not self.emotions:
            raise ValueError(f'kind {self.kind!r} needs emotions, for example ["angry"]')
        return self

    @model_validator(mode="after")
    def _is_not_against_itself(self) -> Self:
        for field in ("against", "against_words"):
            if both := set(self.emotions) & set(getattr(self, field)):
                raise ValueError(f"{field} names {_listed(sorted(both))}, which is among its emotions")
        if self.against_words and not self.relative:
            raise ValueError("against_words needs relative: in other rules words count anyway")
        return self


def read(path: Path | None = None) -> tuple[Rule, ...]:
    """Return the rules of a file, those of the shipped one for None; raises SettingsError."""
    try:
        text = (path or files(__package__) / DEFAULT).read_text(encoding="utf-8")
        table = tomllib.loads(text)
    except OSError as error:
        raise SettingsError(f"alert rules {path}: {error.strerror}; see the setting alerts.rules") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"alert rules {path}: not TOML: {error}") from None
    return parse(table, str(path or DEFAULT))


def parse(table: Mapping[str, Any], where: str) -> tuple[Rule, ...]:
    """Return the rules of a table ``{"rule": [...]}``; raises SettingsError that names the rule."""
    rows = table.get("rule", [])
    if set(table) - {"rule"} or not isinstance(rows, list) or not all(isinstance(r, dict) for r in rows):
        raise SettingsError(f"alert rules {where}: the file holds tables [[rule]] and nothing else")
    rules = tuple(_rule(row, number, where) for number, row in enumerate(rows, start=1))
    names = [rule.name for rule in rules]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise SettingsError(f"alert rules {where}: two rules are named {twice[0]!r}")
    return rules


def _rule(row: Mapping[str, Any], number: int, where: str) -> Rule:
    try:
        return Rule.model_validate(row)
    except ValidationError as error:
        first = error.errors(include_input=False, include_context=False, include_url=False)[0]
        field = ".".join(map(str, first["loc"]))
        name = row.get("name")
        called = f"rule {name!r}" if isinstance(name, str) else f"rule number {number}"
        fault = first["msg"].removeprefix("Value error, ")
        raise SettingsError(
            f"alert rules {where}: {called}: {field + ': ' if field else ''}{fault}"
        ) from None


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)
