"""FER2013 faces under either of their label sets, ready for training; imports torch and the readers."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from models.datasets.ferplus import Faces, load_npz, majority, trainable, vote_shares
from models.evaluation.outcome import About
from models.face.augment import augment
from models.face.duplicates import groups, hold_out
from models.face.train import at_epoch
from models.training.corpus import Corpus, Inputs, Part, as_stored, one_hot
from models.training.recipe import Recipe
from schemas.errors import InputError

ABOUT = {
    "fer2013": ("FER2013's own labels, PublicTest", "one label of FER2013; faces without one left out"),
    "ferplus": (
        "FER+ majority, PublicTest",
        "most of ten votes; ties, contempt, unknown and not-a-face left out",
    ),
}


def faces(data: Path, recipe: Recipe) -> tuple[Corpus, Inputs]:
    """Return Training and PublicTest under the labels of ``recipe``; raises InputError without them.

    Training faces that look the same as a face of PublicTest are left out.
    """
    if recipe.labels not in ABOUT:
        raise InputError(f"faces have the labels {' and '.join(ABOUT)}, not {recipe.labels}")
    folder = data if (data / "train.npz").exists() else data / "ferplus"
    learn, test = load_npz(folder / "train.npz"), load_npz(folder / "valid.npz")
    both = _joined(learn, test)
    near = groups(both.images)
    tested = np.arange(len(both.images)) >= len(learn.images)
    labels = both.fer2013 if recipe.labels == "fer2013" else majority(both.votes)
    use = (labels >= 0) if recipe.labels == "fer2013" else trainable(both.votes)
    seen = np.isin(near, near[tested]) & ~tested
    held = hold_out(near, recipe.held_out, recipe.seed) & ~tested & ~seen & (labels >= 0)
    part = Part(
        "",
        np.flatnonzero(use & ~tested & ~seen & ~hold_out(near, recipe.held_out, recipe.seed)),
        np.flatnonzero(held),
        np.flatnonzero(tested & (labels >= 0)),
    )
    name, meaning = ABOUT[recipe.labels]
    split = f"trained on Training without {int((seen & use).sum())} near duplicates of PublicTest"
    about = About(name, "FER2013 images", split, meaning, "sets of near duplicates")
    corpus = Corpus(about, labels, tuple(map(str, near)), near, (part,))
    return corpus, _inputs(both, recipe)


def _joined(a: Faces, b: Faces) -> Faces:
    def both(name: str) -> npt.NDArray[np.generic]:
        return np.concatenate([getattr(a, name), getattr(b, name)])

    return Faces(*(both(name) for name in ("images", "votes", "fer2013", "names")))  # type: ignore[arg-type]


def _inputs(both: Faces, recipe: Recipe) -> Inputs:
    shares = torch.from_numpy(vote_shares(both.votes)).to(torch.float32)
    targets = one_hot(both.fer2013) if recipe.labels == "fer2013" else shares

    def training(rows: Tensor, epoch: int, rng: Generator) -> Tensor:
        return augment(rows, at_epoch(recipe.sides, epoch), at_epoch(recipe.strengths, epoch), rng)

    def plain(rows: Tensor, epoch: int) -> tuple[Tensor, ...]:
        side = at_epoch(recipe.sides, epoch)
        x = rows.to(torch.float32)
        x = x if x.shape[-1] == side else F.interpolate(x[:, None], size=side, mode="area")[:, 0]
        return x, x.flip(-1)

    return Inputs(torch.from_numpy(both.images), targets, training if recipe.augment else as_stored, plain)
