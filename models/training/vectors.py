"""Faces as the feature vectors of a frozen encoder, made once and kept; imports torch and the siblings."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from rich.progress import track
from torch import Tensor, nn

from models.training.corpus import Corpus, Inputs, as_stored, as_they_are
from models.training.files import arrays, whole
from models.training.recipe import Recipe
from schemas.errors import InputError

AT_ONCE = 32
Prepare = Callable[[Path, Recipe, Path], tuple[Corpus, Inputs]]


def vectors(faces: Prepare, encoder: Callable[[str], nn.Module]) -> Prepare:
    """Return what prepares ``faces`` as vectors (n, d) of the ``encoder`` that a recipe's weights make."""

    def prepare(data: Path, recipe: Recipe, cache: Path) -> tuple[Corpus, Inputs]:
        if recipe.weights is None:
            raise InputError(
                f"{recipe.network} reads a pretrained encoder: give --weights FILE, FOLDER or ID"
            )
        corpus, inputs = faces(data, recipe, cache)
        made = _features(encoder(recipe.weights), inputs.stored, recipe, cache)
        return corpus, Inputs(made, inputs.targets, as_stored, as_they_are)

    return prepare


def _features(encoder: nn.Module, faces: Tensor, recipe: Recipe, cache: Path) -> Tensor:
    told = hashlib.sha256(faces.numpy().tobytes())
    for value in encoder.state_dict().values():
        told.update(value.contiguous().numpy().tobytes())
    path = cache / f"{recipe.network}-{told.hexdigest()[:16]}.npz"
    if not path.exists():
        encoder = encoder.eval().to(recipe.device)
        with torch.inference_mode():
            parts = torch.split(faces, AT_ONCE)
            found = [encoder(x.to(recipe.device)).cpu() for x in track(parts, "encoding", transient=True)]
        whole(path, lambda part: np.savez(part, features=torch.cat(found).numpy()))
    return torch.from_numpy(arrays(path)["features"])
