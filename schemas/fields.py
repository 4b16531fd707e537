"""The types of fields that messages share, and the record that every message is."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from affectstream.schemas.labels import N_EMOTIONS


def _distribution(values: tuple[float, ...]) -> tuple[float, ...]:
    if len(values) != N_EMOTIONS:
        raise ValueError(f"a distribution has {N_EMOTIONS} probabilities, not {len(values)}")
    if min(values) < 0.0 or abs(sum(values) - 1.0) > 1e-3:
        raise ValueError("probabilities must be non-negative and sum to one")
    return values


SESSION_ID = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
RUN_ID = r"[A-Za-z0-9._-]{0,32}"
UNNAMED = ""  # the run of messages without one

SessionId = Annotated[str, Field(pattern=f"^{SESSION_ID}$")]
RunId = Annotated[str, Field(pattern=f"^{RUN_ID}$")]
Ms = Annotated[int, Field(ge=0, lt=1 << 53)]
Unit = Annotated[float, Field(ge=0.0, le=1.0)]
Distribution = Annotated[tuple[float, ...], AfterValidator(_distribution)]


class Record(BaseModel):
    """What all messages share: frozen, strict about types, deaf to unknown fields."""

    model_config = ConfigDict(
        frozen=True, strict=True, extra="ignore", populate_by_name=True, allow_inf_nan=False
    )
