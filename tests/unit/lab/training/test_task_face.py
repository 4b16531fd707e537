"""The shipped face network as a task: its split, its faces, and the first steps of its recipe."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from affectstream.lab.datasets.ferplus import Faces
from affectstream.lab.training import loop
from affectstream.lab.training.augment.faces import augment
from affectstream.lab.training.catalogue import Network, network_named
from affectstream.lab.training.files import WEIGHTS
from affectstream.lab.training.recipe import RECIPE, Recipe, at_epoch, changed, shipped_recipe, write_recipe
from affectstream.lab.training.tasks.face import held_out, taught_by, voted
from affectstream.models.face.network import FaceNet
from affectstream.schemas.errors import InputError

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


def test_a_taught_network_learns_a_part_of_what_its_teachers_see_in_the_same_faces(
    data: Path, tmp_path: Path
) -> None:
    teachers = []
    for order in range(2):
        recipe = changed(shipped_recipe("face-wide"), {"widths": [4, 8], "depths": [1, 1], "order": order})
        torch.manual_seed(order)
        run = tmp_path / f"wide-{order}"
        run.mkdir()
        save_file(FaceNet((4, 8), (1, 1)).state_dict(), run / WEIGHTS)
        write_recipe(recipe, run / RECIPE)
        teachers.append(str(run))
    fields = {"teachers": ",".join(teachers), "taught": 0.25, "precision": "float32", "batch": 16}
    taught = changed(shipped_recipe("face-taught"), fields)
    plain = changed(shipped_recipe("face-taught"), {"batch": 16, "taught": 0.0})
    batches = []
    for recipe in (taught, plain):
        corpus, inputs = voted(data, recipe, data)
        batches.append(next(inputs.task(corpus.parts[0], corpus.labels, recipe).batches(0)))
    (faces,), targets, _ = batches[0]
    assert torch.equal(faces, batches[1].inputs[0])
    with torch.no_grad():
        answers = [taught_by(Path(run)).eval()(faces).softmax(1) for run in teachers]
    expected = 0.75 * batches[1].targets + 0.25 * (answers[0] + answers[1]) / 2
    torch.testing.assert_close(targets, expected)
    with pytest.raises(InputError, match="give --teachers"):
        voted(data, shipped_recipe("face-taught"), data)
    write_recipe(
        changed(shipped_recipe("face-wide"), {"widths": [4, 8], "depths": [2, 1]}), Path(teachers[1]) / RECIPE
    )
    with pytest.raises(InputError, match="not the weights of"):
        taught_by(Path(teachers[1]))
    with pytest.raises(InputError, match="one depth for each width"):
        changed(shipped_recipe("face-wide"), {"depths": [2, 1]})
    with pytest.raises(InputError, match="cannot teach faces"):
        write_recipe(Recipe(network="fer-cnn"), Path(teachers[0]) / RECIPE)
        taught_by(Path(teachers[0]))


def test_runs_of_another_order_begin_and_shuffle_anew_and_hold_out_the_same_faces(data: Path) -> None:
    recipes = [changed(shipped_recipe("face-wide"), {"order": order, "batch": 16}) for order in (0, 1)]
    first, second = (voted(data, recipe, data) for recipe in recipes)
    assert np.array_equal(first[0].parts[0].held, second[0].parts[0].held)
    drawn = [
        next(inputs.task(corpus.parts[0], corpus.labels, recipe).batches(0)).inputs[0]
        for (corpus, inputs), recipe in zip((first, second), recipes, strict=True)
    ]
    assert not torch.equal(*drawn)
    wide = network_named("face-wide")
    assert isinstance(wide, Network)
    heads = [wide.build(recipe, None).state_dict()["head.weight"] for recipe in recipes]
    assert not torch.equal(*heads)
