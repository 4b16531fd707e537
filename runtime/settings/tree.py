"""The settings of every process, from one file and the environment.

``AFFECT_KAFKA__BOOTSTRAP`` in the environment is ``bootstrap`` in the table ``[kafka]`` of the file
``affectstream.toml``, or of the one that AFFECT_CONFIG names. The environment wins over the file; an unknown
name is an error. Where neither names a broker or a Redis, they are those of the `affectstream up` that runs
on this machine, if one does.
"""

import difflib
import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from affectstream.runtime.settings import local
from affectstream.runtime.settings.base import Group
from affectstream.runtime.settings.fusion import AlertSettings, FusionSettings, LabelSettings
from affectstream.runtime.settings.gateway import GatewaySettings
from affectstream.runtime.settings.kafka import KafkaSettings, RedisSettings
from affectstream.runtime.settings.workers import (
    ApiSettings,
    AsrSettings,
    AudioSettings,
    LogSettings,
    PolicySettings,
    ProducerSettings,
    RecorderSettings,
    TextSettings,
    VideoSettings,
)
from affectstream.schemas.errors import SettingsError

PREFIX = "AFFECT_"
NOT_SETTINGS = ("AFFECT_CONFIG", "AFFECT_DATA")
DEFAULT_FILE = Path("affectstream.toml")
NONE = "none"  # how an absent value is written in the environment


class Settings(BaseSettings):
    """The whole tree, frozen."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        env_parse_none_str=NONE,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        nested_model_default_partial_update=True,
    )

    kafka: KafkaSettings = KafkaSettings()
    redis: RedisSettings = RedisSettings()
    video: VideoSettings = VideoSettings()
    audio: AudioSettings = AudioSettings()
    text: TextSettings = TextSettings()
    asr: AsrSettings = AsrSettings()
    fusion: FusionSettings = FusionSettings()
    label: LabelSettings = LabelSettings()
    alerts: AlertSettings = AlertSettings()
    policy: PolicySettings = PolicySettings()
    log: LogSettings = LogSettings()
    api: ApiSettings = ApiSettings()
    producer: ProducerSettings = ProducerSettings()
    recorder: RecorderSettings = RecorderSettings()
    gateway: GatewaySettings = GatewaySettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[Any, ...]:
        """Let arguments win over the environment, and the environment over the file."""
        path = config_file()
        return (init_settings, env_settings, lambda: _read(path) if path else {})

    def permitting(self, purpose: str | None) -> Self:
        """Return the settings under the purpose of a session, which has been checked."""
        policy = self.policy.model_copy(update={"agent_purpose": purpose})
        return self.model_copy(update={"policy": policy})


@dataclass(frozen=True)
class Line:
    """One setting, as ``affectstream config`` shows it."""

    key: str  # kafka.bootstrap
    env: str  # AFFECT_KAFKA__BOOTSTRAP
    value: str  # secrets masked
    changed: bool  # from the default
    help: str


def load(**overrides: Mapping[str, Any]) -> Settings:
    """Return the settings of this process; ``overrides`` are groups: ``load(kafka={"embedded": True})``.

    Raises SettingsError, naming the setting at fault and never its value.
    """
    _check_environment()
    path = config_file()
    if path is not None:
        _check_names(_read(path), str(path))
    _check_names(overrides, "the arguments")
    if not {*_paths(overrides)} & {*local.EXPLICIT}:
        for group, values in running_here().items():
            overrides[group] = {**values, **overrides.get(group, {})}
    try:
        return Settings(**overrides)  # type: ignore[arg-type]  # validated by pydantic
    except ValidationError as error:
        raise SettingsError(_fault(error)) from None


def running_here() -> dict[str, dict[str, Any]]:
    """Return the addresses of the `affectstream up` of this machine; {} where one is set by the user."""
    path = config_file()
    named = {_env_name(key) for key in local.EXPLICIT} & {name.upper() for name in os.environ}
    if named or {*_paths(_read(path) if path else {})} & {*local.EXPLICIT}:
        return {}
    found = local.running()
    return local.addresses(found) if found else {}


def config_file() -> Path | None:
    """Return the file that the settings are read from, where there is one; raises SettingsError."""
    named = os.environ.get("AFFECT_CONFIG")
    if not named:
        return DEFAULT_FILE if DEFAULT_FILE.is_file() else None
    path = Path(named).expanduser()
    if not path.is_file():
        raise SettingsError(f"AFFECT_CONFIG names {path}, which is not a file")
    return path


def as_env(settings: Settings) -> dict[str, str]:
    """Return the environment that gives a subprocess these settings, whatever its configuration file says."""
    env = {}
    for key, value, _ in _leaves(settings):
        if isinstance(value, SecretStr):
            value = value.get_secret_value()
        env[_env_name(key)] = _text(value)
    for key in [key for key in env if env.get(f"{key}_FILE", NONE) != NONE]:
        env[key] = NONE  # the subprocess reads the file itself
    return env


def describe(settings: Settings) -> list[Line]:
    """Return every setting with its value; secrets are masked."""
    lines = []
    for key, value, field in _leaves(settings):
        text = "********" if isinstance(value, SecretStr) else _text(value)
        changed = value != field.default
        lines.append(Line(key, _env_name(key), text, changed, field.description or ""))
    return lines


def _leaves(group: BaseModel, parents: tuple[str, ...] = ()) -> Iterator[tuple[str, Any, Any]]:
    for name, field in type(group).model_fields.items():
        value = getattr(group, name)
        path = (*parents, name)
        if isinstance(value, Group):
            yield from _leaves(value, path)
        else:
            yield ".".join(path), value, field


def _text(value: Any) -> str:
    if value is None:
        return NONE
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return ",".join(f"{name}={each}" for name, each in value.items())
    return ",".join(value) if isinstance(value, tuple) else str(value)


def _env_name(key: str) -> str:
    return PREFIX + key.upper().replace(".", "__")


def _known() -> list[str]:
    return [key for key, _, _ in _leaves(Settings.model_construct())]


def _check_environment() -> None:
    known = {_env_name(key) for key in _known()}
    for name in sorted(os.environ):
        if name.upper().startswith(PREFIX) and name.upper() not in known and name not in NOT_SETTINGS:
            raise SettingsError(f"unknown setting {name} in the environment{_nearest(name.upper(), known)}")


def _check_names(tree: Mapping[str, Any], where: str) -> None:
    known = set(_known())
    for key in _paths(tree):
        if key not in known:
            raise SettingsError(f"unknown setting {key} in {where}{_nearest(key, known)}")


def _paths(tree: Mapping[str, Any], parent: str = "") -> Iterator[str]:
    for name, value in tree.items():
        key = f"{parent}{name}"
        if isinstance(value, Mapping):
            yield from _paths(value, f"{key}.")
        else:
            yield key


def _nearest(name: str, known: set[str]) -> str:
    near = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.0)
    return f"; did you mean {near[0]}?" if near else ""


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path} cannot be read as TOML: {error}") from None


def _fault(error: ValidationError) -> str:
    """Name the first setting at fault and the fault, never the value: it may be a secret."""
    first = error.errors(include_input=False, include_context=False, include_url=False)[0]
    key = ".".join(str(part) for part in first["loc"])
    return (
        f"setting {key}: {first['msg'].removeprefix('Value error, ')} ({_env_name(key)} in the environment)"
    )
