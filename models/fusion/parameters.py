"""What fitting found out, as one JSON file, and its checks.

Every message that a fitted rule makes names the file: ``gated_log_pool/1a2b3c4d`` ends in the first digits of
the SHA-256 of its content. So a final names what it was fused with.
"""

import hashlib
import json
from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from affectstream.schemas.errors import SettingsError
from affectstream.schemas.labels import N_EMOTIONS
from affectstream.schemas.messages import MODALITIES, Modality

VERSION = 2
SHIPPED = Path(__file__).parents[1] / "weights" / "fusion.json"
LICENCE = (  # of the shipped file
    "CC BY-NC-SA 4.0, as the recordings of RAVDESS that the voice's part was learnt from: not for commercial "
    "use. FER2013 images are for research use, the votes of FER+ MIT, MELD GPL-3.0, GoEmotions CC BY 4.0"
)
SHORT = 8  # digits of the hash in a rule's name


def _per_class(values: tuple[float, ...]) -> tuple[float, ...]:
    if len(values) != N_EMOTIONS:
        raise ValueError(f"{N_EMOTIONS} numbers are needed, one per emotion, not {len(values)}")
    return values


def _square(rows: tuple[tuple[float, ...], ...]) -> tuple[tuple[float, ...], ...]:
    return tuple(_per_class(row) for row in _per_class_rows(rows))


def _per_class_rows(rows: tuple[tuple[float, ...], ...]) -> tuple[tuple[float, ...], ...]:
    if len(rows) != N_EMOTIONS:
        raise ValueError(f"{N_EMOTIONS} rows are needed, one per emotion, not {len(rows)}")
    return rows


Share = Annotated[float, Field(ge=0.0, le=1.0)]
Temperature = Annotated[float, Field(gt=0.0, le=100.0)]
PerClass = Annotated[tuple[float, ...], AfterValidator(_per_class)]
SharePerClass = Annotated[tuple[Share, ...], AfterValidator(_per_class)]
Square = Annotated[tuple[tuple[float, ...], ...], AfterValidator(_square)]


class Part(BaseModel):
    """What all parts of the file share: frozen, no unknown names, no infinities."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Expert(Part):
    """What is known of one modality's model."""

    temperature: Temperature  # p^(1/T), made to sum to one, is calibrated
    trust: Annotated[float, Field(gt=0.0, le=1.0)]  # its usual trust while fitting; less weighs less
    accuracy: Share
    windows: int = Field(ge=0)  # in which it was present
    discount: Share  # the most that Dempster's rule believes it


class Gate(Part):
    """A weight in a log pool: softplus(a + b x confidence + c x quality)."""

    a: float
    b: float = Field(0.0, ge=0.0)
    c: float = Field(0.0, ge=0.0)


class LogPool(Part):
    """A learned log pool: its gates, and what is added to the log probability of each class."""

    gates: dict[Modality, Gate]
    bias: PerClass

    @model_validator(mode="after")
    def _every_modality(self) -> Self:
        _complete(self.gates)
        return self


class Bounded(Part):
    """The bounded pool."""

    weights: dict[Modality, Annotated[float, Field(gt=0.0, le=1.0)]]  # they sum to one

    @model_validator(mode="after")
    def _sum_to_one(self) -> Self:
        _complete(self.weights)
        if abs(sum(self.weights.values()) - 1.0) > 1e-5:
            raise ValueError("the weights of the bounded pool must sum to one")
        return self


class Stack(Part):
    """A multinomial regression on log probabilities, for windows with exactly these modalities."""

    weights: dict[Modality, Square]  # [class out][class in]
    bias: PerClass


class FusionParameters(Part):
    """Everything that the fitted rules and the stream's trust need."""

    version: int = VERSION
    data: str = Field(min_length=1)  # one sentence: what it was fitted on
    windows: int = Field(ge=1)
    seed: int = 0
    prior: SharePerClass  # of the true classes, smoothed
    experts: dict[Modality, Expert]
    bounded: Bounded
    after: dict[str, Temperature]  # by rule: the temperature after pooling
    learned: LogPool
    gated: LogPool
    stacking: dict[str, Stack]  # by modalities: "video+audio"; two at least
    abstain: dict[str, Share]  # by rule: the largest probability below which the label is "uncertain"
    sha256: str = ""  # of this file's JSON, keys sorted, without this field

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.version != VERSION:
            raise ValueError(f"version {self.version} is not {VERSION}: fit again")
        if min(self.prior) <= 0.0 or abs(sum(self.prior) - 1.0) > 1e-6:
            raise ValueError("prior must be positive and sum to one")
        for key, stack in self.stacking.items():
            if key != pattern(stack.weights) or len(stack.weights) < 2:
                raise ValueError(f"stacking {key!r} is not named after its modalities")
        _complete(self.experts)
        return self

    @property
    def short(self) -> str:
        """Return the first digits of the hash, for names."""
        return self.sha256[:SHORT]

    def hashed(self) -> "FusionParameters":
        """Return the same with its hash filled in."""
        return self.model_copy(update={"sha256": _digest(self)})


def pattern(modalities: Collection[Modality]) -> str:
    """Return the name of a set of modalities, in the order of messages: ``video+text``."""
    return "+".join(m for m in MODALITIES if m in modalities)


def read(path: Path | None = None) -> FusionParameters:
    """Return the fitted file at ``path``, or the shipped one; raises SettingsError."""
    where = path or SHIPPED
    try:
        fitted = FusionParameters.model_validate_json(where.read_bytes())
    except OSError as error:
        raise SettingsError(_missing(path, error.strerror or "unreadable")) from None
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "file"
        raise SettingsError(f"fusion.fitted: {where} is no fitted file: {field}: {first['msg']}") from None
    if fitted.sha256 != _digest(fitted):
        raise SettingsError(f"fusion.fitted: {where} was changed after it was fitted; fit again")
    return fitted


def available(path: Path | None) -> FusionParameters | None:
    """Return the fitted file that is named, else the shipped one, else nothing; raises SettingsError."""
    return read(path) if path or SHIPPED.is_file() else None


def write(fitted: FusionParameters, path: Path) -> FusionParameters:
    """Write the file with its hash, and return what was written."""
    whole = fitted.hashed()
    path.write_text(json.dumps(whole.model_dump(mode="json"), indent=1) + "\n", encoding="utf-8")
    return whole


def _missing(path: Path | None, why: str) -> str:
    if path is None:
        return (
            "no fitted parameters are shipped: name a file in fusion.fitted "
            "(`affectstream fusion fit` makes one), or choose a rule that needs none"
        )
    return f"fusion.fitted: {path} cannot be read ({why})"


def _digest(fitted: FusionParameters) -> str:
    content = fitted.model_dump(mode="json", exclude={"sha256"})
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _complete(named: Collection[Modality]) -> None:
    missing = [m for m in MODALITIES if m not in named]
    if missing:
        raise ValueError(f"{', '.join(missing)} missing")
