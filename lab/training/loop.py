"""One training loop for every reference network."""

import copy
import json
import math
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from rich.progress import track
from torch import Tensor, nn

from affectstream.lab import statistics
from affectstream.lab.face.train import average_into
from affectstream.lab.statistics import cross_entropy
from affectstream.lab.training.checkpoint import State, resume, save
from affectstream.lab.training.corpus import Indices, Inputs, Part
from affectstream.lab.training.recipe import Recipe
from affectstream.schemas.errors import InputError
from affectstream.schemas.labels import N_EMOTIONS

AT_ONCE = 128  # rows of an evaluation
WARM_UP = 0.2  # share of a one-cycle schedule
FACTOR = 0.5  # of the rate, on a plateau


def train(
    network: nn.Module,
    recipe: Recipe,
    inputs: Inputs,
    part: Part,
    labels: Indices,
    folder: Path,
    report: Callable[[str], None],
) -> nn.Module:
    """Return the network with the weights of its best epoch on the held-out rows of ``part``.

    ``folder`` keeps checkpoint.pt, from which a stopped training goes on, and log.jsonl.
    """
    state = begin(network, recipe)
    checkpoint = folder / "checkpoint.pt"
    if checkpoint.exists():
        resume(state, recipe, checkpoint)
    weights = class_weights(inputs.targets[part.learn]) if recipe.class_weights else None
    while state.epoch < recipe.epochs and not stopped(state, recipe):
        entry = _epoch(state, recipe, inputs, part.learn, weights)
        logits = logits_of(state.averaged, inputs, part.held, state.epoch, recipe)
        if not (math.isfinite(entry["loss"]) and np.isfinite(logits).all()):
            raise InputError(
                f"training diverged in epoch {state.epoch + 1}: take a new folder and a lower --rate"
            )
        entry |= _figures(logits, labels[part.held])
        _note(state, recipe, entry)
        save(state, recipe, checkpoint)
        (folder / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in state.log))
        report(" ".join(f"{name} {value:.4g}" for name, value in entry.items()))
    state.averaged.load_state_dict(state.best)
    return state.averaged.eval()


def begin(network: nn.Module, recipe: Recipe) -> State:
    """Return the state before the first step."""
    network = network.to(recipe.device).to(memory_format=torch.channels_last)
    averaged = copy.deepcopy(network) if recipe.average else network
    learnt = [p for p in network.parameters() if p.requires_grad]
    return State(network, averaged, _optimiser(learnt, recipe), torch.Generator().manual_seed(recipe.seed))


def _optimiser(learnt: list[nn.Parameter], recipe: Recipe) -> torch.optim.Optimizer:
    if recipe.optimiser == "sgd":
        return torch.optim.SGD(learnt, lr=recipe.rate, momentum=0.9, nesterov=True, weight_decay=recipe.decay)
    made = torch.optim.Adam if recipe.optimiser == "adam" else torch.optim.AdamW
    return made(learnt, lr=recipe.rate, weight_decay=recipe.decay)


def rate_at(recipe: Recipe, progress: float, scale: float = 1.0) -> float:
    """Return the learning rate at ``progress`` (0 to 1) of all epochs, after plateaus of ``scale``."""
    if recipe.schedule == "cosine":
        return recipe.rate * 0.5 * (1 + math.cos(math.pi * progress))
    if recipe.schedule == "one-cycle":
        falling = 0.5 * (1 + math.cos(math.pi * max(0.0, progress - WARM_UP) / (1 - WARM_UP)))
        return recipe.rate * min(0.05 + progress / WARM_UP, 1.0, falling + 1e-4)
    return recipe.rate * scale


def class_weights(targets: Tensor) -> Tensor:
    """Return weights (7,) that are inverse to the frequency of each class in ``targets`` (n, 7)."""
    count = targets.sum(dim=0)
    return torch.where(count > 0, count.sum() / (N_EMOTIONS * count.clamp_min(1e-9)), 0.0)


def stopped(state: State, recipe: Recipe) -> bool:
    """Tell whether the figure has not become better for ``recipe.patience`` epochs."""
    return 0 < recipe.patience <= state.epoch - state.best_epoch


def _epoch(
    state: State, recipe: Recipe, inputs: Inputs, rows: Indices, weights: Tensor | None
) -> dict[str, float]:
    began, total = time.perf_counter(), 0.0
    order = torch.from_numpy(rows)[torch.randperm(len(rows), generator=state.rng)]
    batches = torch.split(order, recipe.batch)
    batches = batches[:-1] if len(batches) > 1 and len(batches[-1]) == 1 else batches  # for BatchNorm
    state.network.train()
    for step, batch in enumerate(track(batches, f"epoch {state.epoch + 1}", transient=True)):
        rate = rate_at(recipe, (state.epoch + step / len(batches)) / recipe.epochs, state.scale)
        x = inputs.training(inputs.stored[batch], state.epoch, state.rng)
        total += _step(state, recipe, x, inputs.targets[batch], weights, rate)
        done = state.epoch * len(batches) + step
        if recipe.average:
            average_into(state.averaged, state.network, min(recipe.average, (done + 1) / (done + 10)))
    seconds = round(time.perf_counter() - began, 1)
    return {"epoch": state.epoch + 1, "rate": rate, "loss": total / len(batches), "seconds": seconds}


def _step(
    state: State, recipe: Recipe, x: Tensor, targets: Tensor, weights: Tensor | None, rate: float
) -> float:
    for group in state.optimiser.param_groups:
        group["lr"] = rate
    place = torch.device(recipe.device)
    with torch.autocast(place.type, torch.bfloat16, enabled=recipe.precision == "bfloat16"):
        logits = state.network(x.to(place))
    weights = None if weights is None else weights.to(place)
    loss = F.cross_entropy(
        logits.float(), targets.to(place), weight=weights, label_smoothing=recipe.smoothing
    )
    state.optimiser.zero_grad()
    torch.autograd.backward(loss)
    if recipe.clip:
        nn.utils.clip_grad_norm_(state.network.parameters(), recipe.clip)
    state.optimiser.step()
    return float(loss.detach())


def logits_of(network: nn.Module, inputs: Inputs, rows: Indices, epoch: int, recipe: Recipe) -> np.ndarray:
    """Return the logits (rows, 7) in float32, averaged over the views of the inputs."""
    network.eval()
    found = []
    with torch.inference_mode():
        for batch in torch.split(torch.from_numpy(rows), AT_ONCE):
            views = inputs.plain(inputs.stored[batch], epoch)
            found.append(torch.stack([network(x.to(recipe.device)).float().cpu() for x in views]).mean(dim=0))
    return torch.cat(found).double().numpy()


def _figures(logits: np.ndarray, labels: Indices) -> dict[str, float]:
    said = logits.argmax(axis=1)
    return {
        "nll": cross_entropy(logits, labels),
        "accuracy": statistics.accuracy(labels, said),
        "uar": statistics.uar(labels, said),
    }


def _note(state: State, recipe: Recipe, entry: dict[str, float]) -> None:
    """Add ``entry`` to the log; keep the weights where it is the best, halve the rate on a plateau."""
    sign = -1 if recipe.watch == "nll" else 1
    best = max((sign * line[recipe.watch] for line in state.log), default=-math.inf)
    state.log.append(entry)
    if sign * entry[recipe.watch] > best:
        state.best_epoch = state.epoch
        state.best = {k: v.detach().cpu().clone() for k, v in state.averaged.state_dict().items()}
    since = state.epoch - state.best_epoch
    if recipe.schedule == "plateau" and since and since % recipe.plateau_patience == 0:
        state.scale *= FACTOR
