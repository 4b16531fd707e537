"""The training loop: resumed like never stopped, stopping early, weighing classes."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from affectstream.lab.evaluation.outcome import About
from affectstream.lab.training import loop
from affectstream.lab.training.checkpoint import State
from affectstream.lab.training.classical import enlarged
from affectstream.lab.training.corpus import Corpus, Part
from affectstream.lab.training.memory import (
    Inputs,
    as_stored,
    as_they_are,
    class_weights,
    draw_weights,
    logits_of,
    one_hot,
)
from affectstream.lab.training.recipe import Recipe, changed
from affectstream.schemas.errors import InputError

ABOUT = About("made up", "made up", "made up", "made up", "groups")
RECIPE = Recipe(
    network="clip", epochs=4, batch=8, rate=0.02, schedule="constant", dropout=0.3, average=0.9, augment=False
)


def network() -> nn.Module:
    torch.manual_seed(3)
    return nn.Sequential(nn.Linear(6, 12), nn.BatchNorm1d(12), nn.ReLU(), nn.Dropout(0.3), nn.Linear(12, 7))


def vectors(n: int = 70, seed: int = 0) -> tuple[Inputs, Part, np.ndarray]:
    """Seven clouds of points, the classes in turn; the last rows are held out."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 7
    points = rng.normal(size=(7, 6))[labels] * 2 + rng.normal(size=(n, 6))
    stored = torch.from_numpy(points.astype(np.float32))
    part = Part("", np.arange(n - 21), np.arange(n - 21, n - 14), np.arange(n - 14, n))
    return Inputs(stored, one_hot(labels), as_stored, as_they_are), part, labels


def trained(recipe: Recipe, folder: Path, told: list[str] | None = None) -> nn.Module:
    folder.mkdir(exist_ok=True)
    inputs, part, labels = vectors()
    report = told.append if told is not None else lambda line: None
    return loop.train(network(), recipe, inputs.task(part, labels, recipe), folder, report)


class Killed(Exception):
    pass


@pytest.mark.parametrize("schedule", ["constant", "plateau", "cosine", "one-cycle"])
def test_a_resumed_run_ends_with_the_weights_of_one_that_was_never_stopped(
    schedule: str, tmp_path: Path
) -> None:
    recipe = changed(RECIPE, {"schedule": schedule, "plateau_patience": 1})
    whole = trained(recipe, tmp_path / "whole")

    def die_after_two(line: str) -> None:
        if line.startswith("epoch 2 "):
            raise Killed

    (tmp_path / "stopped").mkdir()
    inputs, part, labels = vectors()
    with pytest.raises(Killed):
        loop.train(network(), recipe, inputs.task(part, labels, recipe), tmp_path / "stopped", die_after_two)
    torch.rand(5)  # chance has moved on elsewhere
    told: list[str] = []
    resumed = trained(recipe, tmp_path / "stopped", told)
    assert [line.split()[1] for line in told] == ["3", "4"]
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name
    logs = [(tmp_path / run / "log.jsonl").read_text().splitlines() for run in ("whole", "stopped")]
    assert [json.loads(line)["loss"] for line in logs[0]] == [json.loads(line)["loss"] for line in logs[1]]


def test_a_checkpoint_of_another_recipe_is_refused(tmp_path: Path) -> None:
    trained(RECIPE, tmp_path)
    with pytest.raises(InputError, match="begun with another recipe"):
        trained(changed(RECIPE, {"rate": 0.5}), tmp_path)


def test_training_stops_early_and_gives_the_best_epoch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    falling = iter([0.5, 0.4, 0.9, 0.3, 0.2, 0.1])
    monkeypatch.setattr(
        loop, "_figures", lambda logits, labels: {"nll": 1.0, "accuracy": next(falling), "uar": 0.0}
    )
    recipe = changed(RECIPE, {"epochs": 30, "patience": 2, "watch": "accuracy", "average": 0.0})
    told: list[str] = []
    found = trained(recipe, tmp_path, told)
    assert [line.split()[1] for line in told] == ["1", "2", "3", "4", "5"]
    kept = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    assert kept["best_epoch"] == 3
    for name, value in found.state_dict().items():
        assert torch.equal(value, kept["best"][name]), name
    assert not all(torch.equal(v, kept["network"][n]) for n, v in kept["best"].items())


def test_the_rate_is_halved_on_a_plateau_and_not_before() -> None:
    state = State(nn.Identity(), nn.Identity(), torch.optim.SGD([torch.zeros(1)]))
    recipe = changed(RECIPE, {"schedule": "plateau", "plateau_patience": 2})
    scales = []
    for nll in (1.0, 0.9, 0.95, 0.95, 0.95, 0.95, 0.8, 0.8):
        loop._note(state, recipe, {"nll": nll})
        scales.append(state.scale)
    assert scales == [1.0, 1.0, 1.0, 0.5, 0.5, 0.25, 0.25, 0.25]
    assert loop.rate_at(recipe, 50, 100, state.scale) == pytest.approx(recipe.rate / 4)


@pytest.mark.parametrize("schedule", ["cosine", "one-cycle", "linear"])
def test_a_falling_schedule_ends_near_zero_and_never_exceeds_the_rate(schedule: str) -> None:
    recipe = changed(RECIPE, {"schedule": schedule, "warm_up": 0.1})
    rates = [loop.rate_at(recipe, i, 100) for i in range(101)]
    assert max(rates) <= recipe.rate
    assert rates[-1] < 0.01 * recipe.rate
    assert rates[50] > rates[90] > rates[100]


@pytest.mark.parametrize("name", ["Adam", "AdamW", "SGD"])
def test_the_recipe_names_the_optimiser_its_rate_and_its_decay(name: str) -> None:
    recipe = changed(RECIPE, {"optimiser": name.lower(), "rate": 0.003, "decay": 0.02})
    inputs, part, labels = vectors()
    optimiser = loop.begin(network(), recipe, inputs.task(part, labels, recipe)).optimiser
    assert type(optimiser).__name__ == name
    assert (optimiser.defaults["lr"], optimiser.defaults["weight_decay"]) == (0.003, 0.02)


def test_the_rate_warms_up_over_an_epoch_holds_and_falls_to_zero() -> None:
    recipe = changed(RECIPE, {"schedule": "hold", "epochs": 20, "cooling": 5, "rate": 0.1})
    rates = [loop.rate_at(recipe, step, 200) for step in (0, 5, 10, 100, 150, 175, 200)]
    assert rates == pytest.approx([0.005, 0.055, 0.1, 0.1, 0.1, 0.05, 0.0])


def test_the_warm_up_is_a_share_of_the_steps_or_a_number_of_them() -> None:
    linear = changed(RECIPE, {"schedule": "linear", "rate": 1.0, "warm_up": 0.1})
    assert loop.rate_at(linear, 0, 100) == pytest.approx(0.1)
    assert loop.rate_at(linear, 10, 100) == 1.0
    cosine = changed(RECIPE, {"schedule": "cosine", "rate": 1.0, "warm_up": 4})
    assert [round(loop.rate_at(cosine, step, 10**6), 3) for step in range(5)] == [0.25, 0.5, 0.75, 1.0, 1.0]


def test_the_last_epoch_is_kept_where_no_figure_is_watched(tmp_path: Path) -> None:
    recipe = changed(RECIPE, {"watch": "last", "average": 0.0})
    found = trained(recipe, tmp_path)
    kept = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    assert kept["best_epoch"] == recipe.epochs
    assert all(torch.equal(value, kept["network"][name]) for name, value in found.state_dict().items())


def test_rare_classes_are_drawn_more_often_than_they_occur_but_not_evenly() -> None:
    shares = torch.eye(7)[torch.tensor([0] * 90 + [5] * 10)]
    weights = draw_weights(shares, 0.5)
    rare = float(weights[90:].sum() / weights.sum())
    assert 0.1 < rare < 0.5
    assert bool((draw_weights(shares, 0.0) == 1.0).all())


def test_class_weights_make_every_class_count_the_same() -> None:
    targets = one_hot(np.array([0] * 6 + [1] * 3 + [2]))
    weights = class_weights(targets)
    shares = weights * targets.sum(dim=0)
    assert torch.allclose(shares[:3], shares[0].expand(3))
    assert weights[3:].tolist() == [0.0] * 4


def test_class_weights_change_what_is_learnt() -> None:
    inputs, _, labels = vectors(140)
    few = np.flatnonzero((labels != 6) | (np.arange(140) < 7))
    part = Part("", few[few < 119], np.arange(119, 126), np.arange(126, 140))
    found = {}
    for weighted in (False, True):
        recipe = changed(RECIPE, {"average": 0.0, "epochs": 8})
        task = inputs.task(part, labels, recipe)
        weights = class_weights(inputs.class_targets(part)) if weighted else None
        net = loop.train(network(), recipe, task, None, lambda line: None, weights)
        logits = logits_of(net, inputs, np.flatnonzero(labels == 6), 0, "cpu")
        found[weighted] = float(torch.softmax(torch.from_numpy(logits), dim=1)[:, 6].mean())
    assert found[True] > found[False]


def test_bfloat16_learns_the_same_points(tmp_path: Path) -> None:
    recipe = changed(RECIPE, {"precision": "bfloat16", "epochs": 15, "average": 0.0})
    inputs, part, labels = vectors()
    net = trained(recipe, tmp_path)
    said = logits_of(net, inputs, part.learn, 0, recipe.device).argmax(axis=1)
    assert next(net.parameters()).dtype == torch.float32
    assert (said == labels[part.learn]).mean() > 0.8


def test_smote_sees_only_rows_to_learn_from() -> None:
    inputs, part, labels = vectors(140)
    few = part.learn[(labels[part.learn] != 6) | (part.learn < 28)]
    part = Part("", few, part.held, part.test)
    inputs.stored[np.concatenate([part.held, part.test])] = 1e6  # would be seen in any mixture
    more, larger = enlarged(inputs, part, labels, seed=0)
    assert torch.equal(more.stored[: len(labels)], inputs.stored)
    new = np.setdiff1d(larger.learn, part.learn)
    assert (new >= len(labels)).all()
    assert more.stored[new].abs().max() < 100
    counts = more.targets[larger.learn].sum(dim=0)
    assert torch.equal(counts, counts.max().expand(7))
    assert np.array_equal(larger.held, part.held)
    assert np.array_equal(larger.test, part.test)


def test_smote_leaves_rows_without_a_class_as_they_are() -> None:
    inputs, part, labels = vectors(140)
    labels[part.learn[:9]] = -1  # votes that tie
    more, larger = enlarged(inputs, part, labels, seed=0)
    new = larger.learn[len(part.learn) :]
    assert np.array_equal(larger.learn[: len(part.learn)], part.learn)
    assert torch.equal(more.targets[new].sum(dim=1), torch.ones(len(new)))


def test_smote_between_pictures_is_refused() -> None:
    pictures = Inputs(torch.zeros(4, 48, 48), one_hot(np.array([0, 0, 1, 1])), as_stored, as_they_are)
    with pytest.raises(InputError, match="feature vectors"):
        enlarged(pictures, Part("", np.arange(4), np.arange(0), np.arange(0)), np.array([0, 0, 1, 1]), 0)


def test_a_part_that_divides_a_group_is_refused() -> None:
    part = Part("", np.array([0, 1]), np.array([2]), np.array([3]))
    with pytest.raises(InputError, match="the split leaks"):
        Corpus(ABOUT, np.zeros(4, dtype=np.int64), ("a", "b", "b", "c"), np.array([0, 1, 1, 2]), (part,))
