"""Training of the face network: repeatable, resumable, and fair to rare classes."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from affectstream.lab.datasets.ferplus import Faces
from affectstream.lab.face.augment import augment
from affectstream.lab.face.train import Recipe, at_epoch, draw_weights, rate_at, split, train

TINY = Recipe((4, 8), (1, 1), epochs=3, cooling=2, batch=16, held_out=0.2, sides=((0, 32), (1, 48)))


def made_faces(n: int = 96) -> Faces:
    rng = np.random.default_rng(0)
    votes = np.zeros((n, 10), np.int64)
    votes[np.arange(n), rng.integers(0, 7, n)] = 10
    images = rng.integers(0, 256, (n, 48, 48)).astype(np.uint8)
    return Faces(images, votes, np.zeros(n, np.int64), np.arange(n).astype(np.str_))


def test_a_run_that_was_stopped_ends_with_the_bits_of_one_that_was_not(tmp_path: Path) -> None:
    said: list[str] = []
    whole = train(TINY, made_faces(), tmp_path / "whole", said.append)
    first = tmp_path / "parts"
    with pytest.raises(KeyboardInterrupt):
        train(TINY, made_faces(), first, StopAfter(2))
    resumed = train(TINY, made_faces(), first, said.append)
    for name, tensor in whole.averaged.state_dict().items():
        assert torch.equal(tensor, resumed.averaged.state_dict()[name]), name
    assert [json.loads(line)["epoch"] for line in (first / "log.jsonl").read_text().splitlines()] == [1, 2, 3]
    assert len(said) == 4


class StopAfter:
    """Interrupts the training when ``epochs`` have been reported."""

    def __init__(self, epochs: int) -> None:
        self.left = epochs

    def __call__(self, _line: str) -> None:
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt


def test_rate_warms_up_holds_and_falls_to_zero() -> None:
    recipe = Recipe(epochs=20, cooling=5, rate=0.1)
    rates = [rate_at(recipe, progress) for progress in (0.0, 0.5, 1.0, 10.0, 15.0, 17.5, 20.0)]
    assert rates == pytest.approx([0.005, 0.055, 0.1, 0.1, 0.1, 0.05, 0.0])


def test_side_follows_the_recipe() -> None:
    assert [at_epoch(TINY.sides, epoch) for epoch in (0, 1, 2)] == [32, 48, 48]


def test_rare_classes_are_drawn_more_often_than_they_occur_but_not_evenly() -> None:
    shares = torch.eye(7)[torch.tensor([0] * 90 + [5] * 10)]
    weights = draw_weights(shares, 0.5)
    rare = float(weights[90:].sum() / weights.sum())
    assert 0.1 < rare < 0.5
    assert bool((draw_weights(shares, 0.0) == 1.0).all())


def test_split_keeps_copies_together_and_leaves_out_what_has_no_emotion() -> None:
    faces = made_faces(60)
    faces.images[30:] = faces.images[:30]
    faces.votes[0] = [0] * 9 + [10]
    learn, held = split(faces, 0.3, seed=3)
    assert len(learn.images) + len(held.images) == 59
    seen = {image.tobytes() for image in learn.images}
    assert not seen & {image.tobytes() for image in held.images}


def test_augmented_faces_stay_gray_levels_and_follow_the_seed() -> None:
    images = torch.randint(0, 256, (40, 48, 48), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    first, second = (augment(images, 40, 1.0, torch.Generator().manual_seed(5)) for _ in range(2))
    assert torch.equal(first, second)
    assert first.shape == (40, 40, 40)
    assert float(first.min()) >= 0.0
    assert float(first.max()) <= 255.0
    copies = augment(images[:1].repeat(8, 1, 1), 48, 0.5, torch.Generator())
    assert len({copy.numpy().tobytes() for copy in copies}) == 8
