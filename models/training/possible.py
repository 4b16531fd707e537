"""Whether a recipe is possible here, found out before anything is read; imports torch."""

import torch

from models.training.recipe import Recipe
from schemas.errors import InputError

LEAST_SIDE = 16  # pixels: the deepest network here halves a face four times


def check(recipe: Recipe) -> None:
    """Raise InputError for steps over epochs that do not begin at 0, for tiny faces and for no device."""
    for name, steps in (("sides", recipe.sides), ("strengths", recipe.strengths)):
        first = [epoch for epoch, _ in steps]
        if first[:1] != [0] or first != sorted(set(first)):
            raise InputError(f"{name} are pairs of first epoch and value, rising from epoch 0: [[0, VALUE]]")
    if min(side for _, side in recipe.sides) < LEAST_SIDE:
        raise InputError(f"sides must be {LEAST_SIDE} pixels or more")
    if min(strength for _, strength in recipe.strengths) < 0:
        raise InputError("strengths must be 0 or more: --augment false is no augmentation")
    place(recipe.device)


def place(device: str) -> None:
    """Raise InputError where torch cannot compute on ``device``."""
    try:
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise InputError(
            f"the device {device!r} cannot be used here: take cpu, or cuda with its driver"
        ) from error
