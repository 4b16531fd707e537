"""The shipped face network as a task: its split, its faces, and the first steps of its recipe."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from affectstream.lab.datasets.ferplus import Faces
from affectstream.lab.training import loop
from affectstream.lab.training.augment.faces import augment
from affectstream.lab.training.recipe import Recipe, at_epoch, changed, shipped_recipe
from affectstream.lab.training.tasks.face import held_out, voted
from affectstream.models.face.network import FaceNet

SHORT = {"dropout": 0.0, "epochs": 3, "cooling": 2, "batch": 16, "held_out": 0.2, "sides": [[0, 32], [1, 48]]}


def made_faces(n: int = 96) -> Faces:
    rng = np.random.default_rng(0)
    votes = np.zeros((n, 10), np.int64)
    votes[np.arange(n), rng.integers(0, 7, n)] = 10
    images = rng.integers(0, 256, (n, 48, 48)).astype(np.uint8)
    return Faces(images, votes, np.zeros(n, np.int64), np.arange(n).astype(np.str_))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    faces = made_faces()
    for name in ("train", "valid"):
        votes, labels = faces.votes.astype(np.int8), faces.fer2013.astype(np.int8)
        np.savez(
            tmp_path / f"{name}.npz", images=faces.images, votes=votes, fer2013=labels, names=faces.names
        )
    return tmp_path


def test_the_shipped_recipe_takes_the_steps_that_the_shipped_weights_were_trained_with(data: Path) -> None:
    recipe = changed(shipped_recipe("face"), SHORT)
    corpus, inputs = voted(data, recipe, data)
    torch.manual_seed(recipe.seed)
    task = inputs.task(corpus.parts[0], corpus.labels, recipe)
    loop.train(FaceNet((4, 8), (1, 1), 0.0), recipe, task, data, lambda line: None)
    losses = [json.loads(line)["loss"] for line in (data / "log.jsonl").read_text().splitlines()]
    assert losses == pytest.approx([1.947519, 1.916397, 1.966729], abs=1e-3)  # of the loop that made them


def test_the_split_keeps_copies_together_and_leaves_out_what_has_no_emotion() -> None:
    faces = made_faces(60)
    faces.images[30:] = faces.images[:30]
    faces.votes[0] = [0] * 9 + [10]
    usable, held = held_out(faces, Recipe(network="face", held_out=0.3, seed=3))
    assert len(usable) == 59
    seen = {faces.images[i].tobytes() for i in usable[~held]}
    assert not seen & {faces.images[i].tobytes() for i in usable[held]}


def test_the_side_follows_the_recipe() -> None:
    assert [at_epoch(((0, 32), (1, 48)), epoch) for epoch in (0, 1, 2)] == [32, 48, 48]


def test_augmented_faces_stay_gray_levels_and_follow_the_seed() -> None:
    images = torch.randint(0, 256, (40, 48, 48), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    first, second = (augment(images, 40, 1.0, torch.Generator().manual_seed(5)) for _ in range(2))
    assert torch.equal(first, second)
    assert first.shape == (40, 40, 40)
    assert float(first.min()) >= 0.0
    assert float(first.max()) <= 255.0
    copies = augment(images[:1].repeat(8, 1, 1), 48, 0.5, torch.Generator())
    assert len({copy.numpy().tobytes() for copy in copies}) == 8
