"""FER2013 faces under either of their label sets, for the shipped and the reference face networks."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from affectstream.lab.datasets.duplicates import groups, hold_out
from affectstream.lab.datasets.ferplus import (
    Faces,
    load_csv,
    load_npz,
    majority,
    second_opinions,
    trainable,
    vote_shares,
)
from affectstream.lab.evaluation.outcome import About
from affectstream.lab.training.augment.camera import filmed
from affectstream.lab.training.augment.faces import augment
from affectstream.lab.training.corpus import Corpus, Indices, Part
from affectstream.lab.training.files import WEIGHTS, weights
from affectstream.lab.training.memory import Inputs, as_stored, mean_answer, one_hot
from affectstream.lab.training.recipe import RECIPE, VOTED, FaceRecipe, Recipe, at_epoch, read_recipe
from affectstream.models.face.network import FaceNet
from affectstream.schemas.errors import InputError

MEANINGS = {
    "fer2013": ("FER2013's own labels", "one label of FER2013; faces without one left out"),
    "ferplus": ("FER+ majority", "most of ten votes; ties, contempt, unknown and not-a-face left out"),
}
STEMS = {"Training": "train", "PublicTest": "valid", "PrivateTest": "test"}
GROUPS = "sets of near duplicates"
TWIN = "near duplicate in Training"


def faces(data: Path, recipe: Recipe, cache: Path) -> tuple[Corpus, Inputs]:
    """Return Training and PublicTest under the labels of ``recipe``; raises InputError without them.

    Training faces that look the same as a face of PublicTest are left out, unless the recipe keeps them.
    """
    learn, test = _split(data, "Training"), _split(data, "PublicTest")
    both = _joined(learn, test)
    labels = _labels(both, recipe)
    near = groups(both.images)
    tested = np.arange(len(near)) >= len(learn.images)
    use = ((labels >= 0) if recipe.labels == "fer2013" else trainable(both.votes)) & ~tested
    held = hold_out(near, recipe.held_out, recipe.seed)
    twins = use & np.isin(near, near[tested])
    alike = {TWIN: tuple(np.where(np.isin(near, near[twins]), "yes", "no").tolist())}
    if recipe.near_duplicates == "kept":
        held &= ~twins
        near = np.where(tested, near + near.max() + 1, near)  # the leak of the official split, and said so
        split = f"the official split, which leaks: trained on {twins.sum()} near duplicates of PublicTest too"
    else:
        use &= ~twins
        split = f"trained on Training without {twins.sum()} near duplicates of PublicTest"
    rows = (use & ~held, use & held & (labels >= 0), tested & (labels >= 0))
    part = Part("", *(np.flatnonzero(chosen) for chosen in rows))
    redrawn = (*("Training",) * len(learn.images), *map(str, groups(test.images)))
    corpus = Corpus(_about(recipe, "PublicTest", split), labels, redrawn, near, (part,), alike)
    return corpus, _inputs(both, recipe)


def voted(data: Path, recipe: Recipe, cache: Path) -> tuple[Corpus, Inputs]:
    """Return the official split under the votes of FER+, as the shipped network is trained.

    Training faces that look the same as a face of PublicTest are learnt from: the evaluation has a set
    without them.
    """
    learn, test = _split(data, "Training"), _split(data, "PublicTest")
    both = _joined(learn, test)
    labels = majority(both.votes)
    usable, held = held_out(learn, recipe)
    near = np.full(len(labels), -1)
    near[usable] = groups(learn.images[usable])
    tested = np.arange(len(learn.images), len(labels))
    near[tested] = near.max() + 1 + groups(test.images)
    judged = held & (labels[usable] >= 0)
    part = Part("", usable[~held], usable[judged], tested[labels[tested] >= 0])
    about = _about(recipe, "PublicTest", "the official split, near duplicates of PublicTest learnt from too")
    return Corpus(about, labels, tuple(map(str, near)), near, (part,)), _inputs(both, recipe)


def held_out(learn: Faces, recipe: Recipe) -> tuple[Indices, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    """Return the faces with votes (m,) among the seven, and which of them are held out, copies together."""
    usable = np.flatnonzero(trainable(learn.votes))
    return usable, hold_out(groups(learn.images[usable]), recipe.held_out, recipe.seed)


def training_faces(data: Path) -> Faces:
    """Return the faces of the official training split; raises InputError without them."""
    return _split(data, "Training")


def faces_to_judge(data: Path, recipe: Recipe, cache: Path) -> tuple[Corpus, Inputs]:
    """Return the faces of an npz, or PrivateTest of a folder, all of them to test."""
    given, name = (
        (load_npz(data), data.name) if data.is_file() else (_split(data, "PrivateTest"), "PrivateTest")
    )
    labels = _labels(given, recipe)
    near = groups(given.images)
    nothing = np.zeros(0, dtype=np.int64)
    part = Part("", nothing, nothing, np.flatnonzero(labels >= 0))
    about = _about(recipe, name, f"{name}, not trained on; near duplicates of training faces not looked for")
    keys = tuple(f"{name} {number}" for number in near)
    return Corpus(about, labels, keys, near, (part,)), _inputs(given, recipe)


def _split(data: Path, usage: str) -> Faces:
    """Return one official split from npz or CSV files in ``data`` or its folder ferplus."""
    for folder in (data, data / "ferplus"):
        pixels, votes = folder / "fer2013.csv", folder / "fer2013new.csv"
        if (folder / f"{STEMS[usage]}.npz").exists():
            return load_npz(folder / f"{STEMS[usage]}.npz")
        if pixels.exists() and votes.exists():
            return load_csv(pixels, votes, usage)
    raise InputError(
        f"no {usage} faces in {data}: expected {STEMS[usage]}.npz, or fer2013.csv beside fer2013new.csv, "
        "there or in its folder ferplus"
    )


def _joined(a: Faces, b: Faces) -> Faces:
    return Faces(
        np.concatenate([a.images, b.images]),
        np.concatenate([a.votes, b.votes]),
        np.concatenate([a.fer2013, b.fer2013]),
        np.concatenate([a.names, b.names]),
    )


def _labels(given: Faces, recipe: Recipe) -> Indices:
    if recipe.labels not in MEANINGS:
        raise InputError(f"faces have the labels {' and '.join(MEANINGS)}, not {recipe.labels}")
    return given.fer2013 if recipe.labels == "fer2013" else majority(given.votes)


def _about(recipe: Recipe, split: str, how: str) -> About:
    name, meaning = MEANINGS[recipe.labels]
    data = "FER2013 images" if recipe.labels == "fer2013" else "FER+"
    return About(f"{name}, {split}", data, how, meaning, GROUPS)


def _resized(x: Tensor, side: int) -> Tensor:
    return F.interpolate(x[:, None], size=side, mode="area" if side < x.shape[-1] else "bilinear")[:, 0]


def _inputs(given: Faces, recipe: Recipe) -> Inputs:
    own = recipe if isinstance(recipe, FaceRecipe) else FaceRecipe(network=recipe.network)
    if recipe.labels == "fer2013":
        targets = one_hot(given.fer2013)
    elif own.second_opinion:
        targets = torch.from_numpy(second_opinions(given, own.second_opinion)).to(torch.float32)
    else:
        targets = torch.from_numpy(vote_shares(given.votes)).to(torch.float32)

    def training(rows: Tensor, epoch: int, rng: Generator) -> Tensor:
        side = at_epoch(recipe.sides, epoch)
        x = augment(rows, side, at_epoch(recipe.strengths, epoch), rng)
        if own.filmed:
            chosen = torch.rand(len(rows), generator=rng, device=rng.device) < own.filmed
            x[chosen] = filmed(rows[chosen], side, rng)
        return x

    def plain(rows: Tensor, epoch: int) -> tuple[Tensor, ...]:
        side = at_epoch(recipe.sides, epoch)
        x = rows.to(torch.float32)
        x = x if x.shape[-1] == side else _resized(x, side)
        return x, x.flip(-1)

    made = training if recipe.augment else as_stored
    return Inputs(torch.from_numpy(given.images), targets, made, plain, learnt_as=_teaching(own))


def _teaching(recipe: FaceRecipe) -> Callable[[Tensor, Tensor], Tensor] | None:
    """Return what mixes the answers of the recipe's teachers on the same faces into the targets.

    They look at what the network looks at, however it is turned or hidden (Beyer et al., "Knowledge
    distillation: A good teacher is patient and consistent", CVPR 2022). Raises InputError where teachers are
    asked for and none are named.
    """
    if not recipe.teachers:
        if recipe.taught:
            raise InputError(f"{recipe.network} learns from other networks: give --teachers RUN,RUN")
        return None
    place = torch.device(recipe.device)
    teachers = [taught_by(Path(folder)).eval().to(place) for folder in recipe.teachers]

    def learnt_as(faces: Tensor, targets: Tensor) -> Tensor:
        with torch.autocast(place.type, torch.bfloat16, enabled=recipe.precision == "bfloat16"):
            answers = mean_answer(teachers, faces.to(place))
        return (1.0 - recipe.taught) * targets + recipe.taught * answers

    return learnt_as


def taught_by(run: Path) -> FaceNet:
    """Return the network of a finished ``run`` on the votes; raises InputError where it is none."""
    recipe = read_recipe(run / RECIPE)
    if not isinstance(recipe, FaceRecipe):
        raise InputError(f"{run} is no run of {', '.join(VOTED)}: it cannot teach faces")
    found = FaceNet(recipe.widths, recipe.depths)
    try:
        found.load_state_dict(weights(run / WEIGHTS))
    except RuntimeError as error:
        raise InputError(f"{run / WEIGHTS} are not the weights of {RECIPE} beside them") from error
    return found
