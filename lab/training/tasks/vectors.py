"""Faces as the feature vectors of a frozen encoder, made once and kept."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from rich.progress import track
from torch import Tensor, nn

from affectstream.lab.training import corruptions
from affectstream.lab.training.corpus import Corpus, Corrupted, Indices
from affectstream.lab.training.files import arrays, whole
from affectstream.lab.training.memory import Inputs, as_stored, as_they_are
from affectstream.lab.training.recipe import Recipe
from affectstream.schemas.errors import InputError

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
        chosen = encoder(recipe.weights)
        made = _features(chosen, inputs.stored, recipe, cache)

        def degraded(rows: Indices) -> Iterator[Corrupted[Tensor]]:
            for one in corruptions.faces(inputs.stored[rows]):
                yield replace(one, rows=_encoded(chosen, torch.split(one.rows, AT_ONCE), recipe.device))

        return corpus, Inputs(made, inputs.targets, as_stored, as_they_are, degraded)

    return prepare


def _features(encoder: nn.Module, faces: Tensor, recipe: Recipe, cache: Path) -> Tensor:
    digest = hashlib.sha256(faces.numpy().tobytes())
    for value in encoder.state_dict().values():
        digest.update(value.contiguous().numpy().tobytes())
    path = cache / f"{recipe.network}-{digest.hexdigest()[:16]}.npz"
    if not path.exists():
        parts = track(torch.split(faces, AT_ONCE), "encoding", transient=True)
        found = _encoded(encoder, parts, recipe.device)
        whole(path, lambda part: np.savez(part, features=found.numpy()))
    return torch.from_numpy(arrays(path)["features"])


def _encoded(encoder: nn.Module, parts: Iterable[Tensor], device: str) -> Tensor:
    encoder = encoder.eval().to(device)
    with torch.inference_mode():
        return torch.cat([encoder(x.to(device)).cpu() for x in parts])
