"""The state of a training between two epochs, written whole or not at all."""

import json
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from affectstream.lab.training.recipe import Recipe
from affectstream.lab.training.task import Task
from affectstream.schemas.errors import InputError


@dataclass
class State:
    """Everything that the next epoch depends on."""

    network: nn.Module
    averaged: nn.Module  # the network itself where weights are not averaged
    optimiser: torch.optim.Optimizer
    scale: float = 1.0  # of the rate, after plateaus
    best_epoch: int = 0
    best: dict[str, Tensor] = field(default_factory=dict)  # weights of the best epoch
    log: list[dict[str, float]] = field(default_factory=list)  # one entry per epoch

    @property
    def epoch(self) -> int:
        """Return how many epochs are done."""
        return len(self.log)


def save(state: State, task: Task, recipe: Recipe, path: Path) -> None:
    """Write ``state``, the random state of ``task`` and the recipe."""
    parts: dict[str, Any] = {
        "network": state.network.state_dict(),
        "averaged": state.averaged.state_dict(),
        "optimiser": state.optimiser.state_dict(),
        "task": task.random_state(),
        "dropout_rng": torch.get_rng_state(),
        "scale": state.scale,
        "best_epoch": state.best_epoch,
        "best": state.best,
        "log": state.log,
        "recipe": recipe.model_dump_json(),
    }
    torch.save(parts, path.with_suffix(".part"))
    path.with_suffix(".part").replace(path)


def resume(state: State, task: Task, recipe: Recipe, path: Path) -> None:
    """Continue ``state`` from ``path``; raises InputError where another recipe wrote it or it is broken."""
    if not zipfile.is_zipfile(path):
        raise InputError(f"{path} is broken: delete it to train this part from its start")
    parts = torch.load(path, weights_only=True)
    if json.loads(parts["recipe"]) != json.loads(recipe.model_dump_json()):
        raise InputError(f"{path} was begun with another recipe: take a new folder, or the kept recipe.json")
    state.network.load_state_dict(parts["network"])
    state.averaged.load_state_dict(parts["averaged"])
    state.optimiser.load_state_dict(parts["optimiser"])
    task.restore(parts["task"])
    torch.set_rng_state(parts["dropout_rng"])
    state.scale, state.best_epoch = parts["scale"], parts["best_epoch"]
    state.best, state.log = parts["best"], parts["log"]
