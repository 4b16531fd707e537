"""What all groups of settings share: a frozen model, kinds of numbers, lists, secrets."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

Port = Annotated[int, Field(ge=0, le=65535)]
Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]

SECRETS = (
    "password",
    "sasl_password",
    "ssl_password",
    "token",
    "twilio_token",
    "session_key",
    "audit_key",
    "webhook_secret",
    "audiohook_key",
    "audiohook_secret",
)


def split(value: Any) -> Any:
    """Let a list be written as ``video,audio`` in the environment."""
    return (
        tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value
    )


def split_named(value: Any) -> Any:
    """Let a table be written as ``video=URL,audio=URL`` in the environment; raises ValueError."""
    if not isinstance(value, str):
        return value
    pairs = [part.partition("=") for part in split(value)]
    if bad := next((name for name, equals, each in pairs if not (name and equals and each)), None):
        raise ValueError(f"{bad!r} has no value: write NAME=VALUE, with commas between")
    return {name.strip(): each.strip() for name, _, each in pairs}


def _read_secret_files(values: Any) -> Any:
    """Fill ``X`` from the file that ``X_file`` names, as container secrets are handed over.

    Raises ValueError for an empty secret: it would look set, and keep nobody out.
    """
    if not isinstance(values, dict):
        return values
    filled = dict(values)
    for name, path in values.items():
        secret = name.removesuffix("_file")
        if secret == name or not path or secret not in SECRETS:
            continue
        if values.get(secret):
            raise ValueError(f"both {secret} and {name} are set; keep one")
        try:
            filled[secret] = Path(path).expanduser().read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ValueError(f"{name}: the file cannot be read ({error.strerror})") from None
    if empty := next((name for name in SECRETS if filled.get(name) is not None and not filled[name]), None):
        raise ValueError(f"{empty} is empty; fill it in, or leave it out (`none` in the environment)")
    return filled


class Group(BaseModel):
    """What all groups share: frozen, no unknown names, secrets from files."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    _secrets = model_validator(mode="before")(_read_secret_files)
