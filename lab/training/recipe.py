"""Recipes: everything that decides a training run, kept beside its result."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

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

from affectstream.models.face.network import DEPTHS, WIDTHS
from affectstream.models.weights import FOLDER
from affectstream.schemas.errors import InputError

RECIPE = "recipe.json"  # in the folder of a run
Number = TypeVar("Number", int, float)
LEAST_SIDE = 16  # pixels: the deepest network here halves a face four times


class Recipe(BaseModel):
    """A network, its data and how it is trained; unknown fields are errors."""

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
    betas: tuple[float, float] = (0.9, 0.999)  # of Adam and AdamW
    decay: float = Field(1e-4, ge=0)  # of the weights
    clip: float = Field(0.0, ge=0)  # norm of the gradient; 0 leaves it alone
    schedule: Literal["constant", "plateau", "cosine", "one-cycle", "linear", "hold"] = "plateau"
    warm_up: float = Field(0.0, ge=0)  # cosine and linear: below 1 a share of all steps, else steps
    cooling: PositiveInt = 1  # hold: the last epochs, over which the rate falls to zero
    plateau_patience: PositiveInt = 3  # epochs without a better figure before the rate is halved
    patience: int = Field(0, ge=0)  # epochs without a better figure before training stops; 0 never stops
    watch: Literal["nll", "accuracy", "uar", "last"] = "nll"  # the held-out figure; last: keep the last epoch
    class_weights: bool = False
    smote: bool = False  # only for networks that read vectors
    balance: float = Field(
        0.0, ge=0
    )  # rows are drawn in proportion to (frequency of their class) ** -balance
    smoothing: float = Field(0.0, ge=0, lt=1)  # of the labels
    dropout: float = Field(0.2, ge=0, lt=1)
    average: float = Field(0.0, ge=0, lt=1)  # of the weights, per step; 0 keeps the weights as they are
    augment: bool = True
    strengths: tuple[tuple[int, float], ...] = ((0, 1.0),)  # (first epoch, of the augmentation)
    sides: tuple[tuple[int, int], ...] = ((0, 48),)  # faces: (first epoch, pixels of the input)
    precision: Literal["float32", "bfloat16"] = "float32"
    weights: str | None = None  # of a pretrained encoder: a safetensors file, a folder or a hub id
    seed: int = 0
    order: int = 0  # of batches and first weights: runs that differ in it alone hold out the same rows
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


class FaceRecipe(Recipe):
    """The shipped face network: votes of FER+, some faces as the camera of a call films them.

    Teachers' mean answer may be a part of what faces are learnt as (Hinton et al., 2015).
    """

    teachers: tuple[str, ...] = ()  # folders of runs
    taught: float = Field(0.0, ge=0, le=1)  # share of their answers in the targets
    filmed: float = Field(0.0, ge=0, le=1)  # share of the faces that augment.camera changes
    second_opinion: float = Field(0.0, ge=0)  # votes that FER2013's own label adds where a tagger agrees
    widths: tuple[PositiveInt, ...] = WIDTHS  # of the stages of the network
    depths: tuple[PositiveInt, ...] = DEPTHS  # blocks of each

    @field_validator("teachers", mode="before")
    @classmethod
    def _listed(cls, given: Any) -> Any:
        return tuple(given.split(",")) if isinstance(given, str) else given

    @model_validator(mode="after")
    def _one_depth_each(self) -> Self:
        if len(self.widths) != len(self.depths):
            raise ValueError("give one depth for each width")
        return self


class VoiceRecipe(Recipe):
    """The heads of the shipped voice network, on windows of several corpora."""

    members: PositiveInt = 4
    hidden: PositiveInt = 128
    copies: int = Field(3, ge=0)  # of every corpus through drawn rooms and lines, beside the clean one
    steps: PositiveInt = 100  # batches of an epoch
    uncertain: float = Field(0.1, ge=0, lt=1)  # share of a target that is spread over its corpus's classes
    mixup: float = Field(0.3, ge=0, le=1)  # share of the batches
    mixup_alpha: PositiveFloat = 0.4
    corpus_power: float = Field(0.5, ge=0, le=1)  # windows are drawn by (size of their corpus) ** this
    home: PositiveFloat = 2.0  # how much oftener those of RAVDESS
    calls: float = Field(0.3, ge=0)  # weight of the prior over voices without labels
    calls_offset: float = Field(0.0, ge=0)  # added to the logit of neutral where a call is heard
    sounds: float = Field(0.3, ge=0)  # weight of flat answers to what is no speech


class TextRecipe(Recipe):
    """The shipped text network: sentences of service calls beside MELD and GoEmotions."""

    goemotions_cap: PositiveInt = 9000  # comments of one class to draw from
    goemotions_held: float = Field(0.05, gt=0, lt=0.5)
    head_rate: PositiveFloat = 1e-3
    layer_decay: PositiveFloat = 0.85  # of the rate, per layer from the top
    calls_times: PositiveInt = 2  # each sentence in an epoch, every time in another style
    meld_replayed: PositiveInt = 500  # utterances in an epoch
    goemotions_replayed: PositiveInt = 1500  # comments in an epoch, drawn by ``balance``
    varied: float = Field(0.4, ge=0, le=1)  # share of these that are put into another style too
    prefaced: float = Field(0.2, ge=0, le=1)  # share of the sentences after a neutral one in the same turn
    in_context: float = Field(0.3, ge=0, le=1)  # share of the sentences with one or two turns before them
    layers: int = Field(0, ge=0)  # from the bottom of an encoder that are taken; 0: all
    frozen: int = Field(0, ge=0)  # layers from the bottom that stay as they are
    start_share: float = Field(0.0, ge=0, lt=1)  # of text weights it started from in what is shipped


class FusionRecipe(Recipe):
    """A network that fuses embeddings; modalities are left out of windows at random."""

    dropped: float = Field(0.35, ge=0, lt=1)  # the chance of each modality to be left out of a window
    blanked: float = Field(0.3, ge=0, lt=1)  # the chance of each to come without its embedding
    folds_held: PositiveInt = 6  # one of so many parts, by groups, decides when to stop


VOTED = ("face", "face-refined", "face-video", "face-wide", "face-taught")  # on the votes of FER+
KINDS: dict[str, type[Recipe]] = {
    **{"voice": VoiceRecipe, "text": TextRecipe},
    **dict.fromkeys(VOTED, FaceRecipe),
    **dict.fromkeys(("concat", "cross_attention", "early_late"), FusionRecipe),
}
"""The recipes of networks that have fields of their own."""


def read_recipe(path: Path) -> Recipe:
    """Return the recipe in the JSON file ``path``; raises InputError where it is not one."""
    try:
        found = json.loads(path.read_bytes())
        kind = KINDS.get(found.get("network", ""), Recipe) if isinstance(found, dict) else Recipe
        return kind.model_validate_json(json.dumps(found))
    except OSError as error:
        raise InputError(f"{path} cannot be read: give the recipe.json of a run") from error
    except ValidationError as error:
        raise InputError(f"{path} is not a recipe: {_first(error)}") from error
    except ValueError as error:
        raise InputError(f"{path} is not a recipe: it holds no JSON") from error


def shipped_recipe(name: str) -> Recipe:
    """Return the recipe that lies beside the card of shipped weights."""
    return read_recipe(FOLDER / f"{name}.recipe.json")


def changed(recipe: Recipe, changes: dict[str, Any]) -> Recipe:
    """Return ``recipe`` with ``changes``; raises InputError for an unknown field or an impossible value."""
    try:
        return type(recipe).model_validate({**recipe.model_dump(), **changes})
    except ValidationError as error:
        known = ", ".join(type(recipe).model_fields)
        raise InputError(f"not a recipe: {_first(error)}; it has {known}") from error


def write_recipe(recipe: Recipe, path: Path) -> None:
    """Write ``recipe`` as JSON."""
    path.write_text(recipe.model_dump_json(indent=2) + "\n", encoding="utf-8")


def at_epoch(steps: Sequence[tuple[int, Number]], epoch: int) -> Number:
    """Return the value that holds in ``epoch``, from pairs of first epoch and value."""
    return [value for first, value in steps if epoch >= first][-1]


def _first(error: ValidationError) -> str:
    found = error.errors()[0]
    where = ".".join(map(str, found["loc"]))
    said = str(found["msg"]).removeprefix("Value error, ")
    return f"{where}: {said}" if where else said
