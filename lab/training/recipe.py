"""Everything that decides a training run, kept beside its result."""

from pathlib import Path
from typing import Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    field_validator,
    model_validator,
)

from affectstream.schemas.errors import InputError

RECIPE = "recipe.json"  # in the folder of a run
LEAST_SIDE = 16  # pixels: the deepest network here halves a face four times


class Recipe(BaseModel):
    """A reference network, its data and how it is trained; unknown fields are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    network: str
    labels: Literal["fer2013", "ferplus", "corpus"] = "corpus"
    held_out: float = Field(0.1, gt=0, lt=0.5)  # of the training groups, to stop early and to calibrate
    near_duplicates: Literal["left out", "kept"] = "left out"  # training faces that look like a tested one
    folds: tuple[int, ...] = ()  # of those that the corpus has; all of them where empty
    epochs: PositiveInt = 40
    batch: PositiveInt = 32
    optimiser: Literal["adam", "adamw", "sgd"] = "adamw"
    rate: PositiveFloat = 1e-3
    decay: float = Field(1e-4, ge=0)  # of the weights
    clip: float = Field(0.0, ge=0)  # norm of the gradient; 0 leaves it alone
    schedule: Literal["constant", "plateau", "cosine", "one-cycle"] = "plateau"
    plateau_patience: PositiveInt = 3  # epochs without a better figure before the rate is halved
    patience: int = Field(0, ge=0)  # epochs without a better figure before training stops; 0 never stops
    watch: Literal["nll", "accuracy", "uar"] = "nll"  # the figure on the held-out part
    class_weights: bool = False
    smote: bool = False  # only for networks that read vectors
    smoothing: float = Field(0.0, ge=0, lt=1)  # of the labels
    dropout: float = Field(0.2, ge=0, lt=1)
    average: float = Field(0.0, ge=0, lt=1)  # of the weights, per step; 0 keeps the weights as they are
    augment: bool = True
    strengths: tuple[tuple[int, float], ...] = ((0, 1.0),)  # (first epoch, of the augmentation)
    sides: tuple[tuple[int, int], ...] = ((0, 48),)  # faces: (first epoch, pixels of the input)
    precision: Literal["float32", "bfloat16"] = "float32"
    weights: str | None = None  # of a pretrained encoder: a safetensors file, a folder or a hub id
    seed: int = 0
    threads: PositiveInt = 1
    device: str = "cpu"

    @model_validator(mode="after")
    def _one_balance(self) -> Self:
        if self.class_weights and self.smote:
            raise ValueError("class_weights and smote both balance the classes, take one")
        return self

    @field_validator("sides", "strengths")
    @classmethod
    def _rising(cls, steps: tuple[tuple[int, float], ...]) -> tuple[tuple[int, float], ...]:
        first = [epoch for epoch, _ in steps]
        if first[:1] != [0] or first != sorted(set(first)):
            raise ValueError("take pairs of first epoch and value, rising from epoch 0: [[0, VALUE]]")
        return steps

    @field_validator("sides")
    @classmethod
    def _large(cls, sides: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
        if min(side for _, side in sides) < LEAST_SIDE:
            raise ValueError(f"a side has {LEAST_SIDE} pixels or more")
        return sides

    @field_validator("strengths")
    @classmethod
    def _even_or_more(cls, strengths: tuple[tuple[int, float], ...]) -> tuple[tuple[int, float], ...]:
        if min(strength for _, strength in strengths) < 0:
            raise ValueError("a strength is 0 or more; --augment false is no augmentation")
        return strengths


def read_recipe(path: Path) -> Recipe:
    """Return the recipe in the JSON file ``path``; raises InputError where it is not one."""
    try:
        return Recipe.model_validate_json(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path} cannot be read: give the recipe.json of a run") from error
    except ValidationError as error:
        raise InputError(f"{path} is not a recipe: {_first(error)}") from error


def changed(recipe: Recipe, changes: dict[str, Any]) -> Recipe:
    """Return ``recipe`` with ``changes``; raises InputError for an unknown field or an impossible value."""
    try:
        return Recipe.model_validate({**recipe.model_dump(), **changes})
    except ValidationError as error:
        known = ", ".join(Recipe.model_fields)
        raise InputError(f"not a recipe: {_first(error)}; it has {known}") from error


def write_recipe(recipe: Recipe, path: Path) -> None:
    """Write ``recipe`` as JSON."""
    path.write_text(recipe.model_dump_json(indent=2) + "\n", encoding="utf-8")


def _first(error: ValidationError) -> str:
    found = error.errors()[0]
    where = ".".join(map(str, found["loc"]))
    said = str(found["msg"]).removeprefix("Value error, ")
    return f"{where}: {said}" if where else said
