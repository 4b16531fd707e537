"""The table of the reference networks: modality, data, architecture, default recipe; imports the siblings."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from models.face.reference import FerCnn
from models.training.corpus import Corpus, Inputs
from models.training.faces import faces
from models.training.recipe import Recipe
from schemas.errors import InputError

Prepare = Callable[[Path, Recipe], tuple[Corpus, Inputs]]


@dataclass(frozen=True)
class Reference:
    """One reference network."""

    modality: str
    title: str
    prepare: Prepare
    build: Callable[[Recipe], nn.Module]
    recipe: Recipe


# One cycle over growing faces; the weights are averaged, so that the last epoch is the best one.
FER_CNN = Recipe(
    network="fer-cnn", labels="fer2013", held_out=0.05, epochs=21, batch=64, optimiser="adamw", rate=1e-3,
    decay=0.05, schedule="one-cycle", watch="accuracy", smoothing=0.1, dropout=0.2, average=0.998,
    strengths=((0, 0.6),), sides=((0, 32), (10, 40), (15, 48)), precision="bfloat16", seed=7,
)  # fmt: skip

NETWORKS = {
    "fer-cnn": Reference("face", "FER CNN 64-128-256", faces, lambda r: FerCnn(r.dropout), FER_CNN),
}


def reference(name: str, modality: str | None = None) -> Reference:
    """Return the network called ``name``; raises InputError where ``modality`` has none of this name."""
    known = [key for key, entry in NETWORKS.items() if modality in (None, entry.modality)]
    if name not in known:
        raise InputError(f"no reference network {name!r} for {modality}: there are {', '.join(known)}")
    return NETWORKS[name]
