"""The training loop: one for every network, shipped and reference alike."""

import copy
import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from rich.progress import track
from torch import Tensor, nn

from affectstream.lab import statistics
from affectstream.lab.statistics import Floats
from affectstream.lab.training.checkpoint import State, resume, save
from affectstream.lab.training.corpus import Indices
from affectstream.lab.training.recipe import Recipe
from affectstream.lab.training.task import Batch, Task
from affectstream.schemas.errors import InputError

WARM_UP = 0.2  # share of a one-cycle schedule
FACTOR = 0.5  # of the rate, on a plateau
Report = Callable[[str], None]


def train(
    network: nn.Module,
    recipe: Recipe,
    task: Task,
    folder: Path | None,
    report: Report,
    weights: Tensor | None = None,
) -> nn.Module:
    """Return the network with the weights of its best epoch on the held-out rows of ``task``.

    ``weights`` (7,) are those of the classes in the loss. ``folder`` keeps log.jsonl and checkpoint.pt, from
    which a stopped training goes on, on the CPU to the same weights; None keeps nothing.
    """
    state = begin(network, recipe, task)
    checkpoint = None if folder is None else folder / "checkpoint.pt"
    if checkpoint is not None and checkpoint.exists():
        resume(state, task, recipe, checkpoint)
    while state.epoch < recipe.epochs and not stopped(state, recipe):
        entry = _epoch(state, recipe, task, weights)
        logits = task.held_logits(state.averaged, state.epoch)
        if not (math.isfinite(entry["loss"]) and np.isfinite(logits).all()):
            raise InputError(
                f"training diverged in epoch {state.epoch + 1}: take a new folder and a lower --rate"
            )
        _note(state, recipe, entry | _figures(logits, task.held_labels))
        if folder is not None and checkpoint is not None:
            save(state, task, recipe, checkpoint)
            (folder / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in state.log))
        report(" ".join(f"{name} {value:.4g}" for name, value in state.log[-1].items()))
    state.averaged.load_state_dict(state.best)
    return state.averaged.eval()


def require_device(device: str) -> None:
    """Raise InputError where torch cannot compute on ``device``."""
    try:
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise InputError(
            f"the device {device!r} cannot be used here: take cpu, or cuda with its driver"
        ) from error


def begin(network: nn.Module, recipe: Recipe, task: Task) -> State:
    """Return the state before the first step."""
    if torch.device(recipe.device).type == "cuda":
        torch.set_float32_matmul_precision("high")
        torch.backends.cudnn.benchmark = True
    network = network.to(recipe.device).to(memory_format=torch.channels_last)
    averaged = copy.deepcopy(network) if recipe.average else network
    return State(network, averaged, _optimiser(task.groups(network), recipe))


def _optimiser(groups: Any, recipe: Recipe) -> torch.optim.Optimizer:
    common: dict[str, Any] = {"lr": recipe.rate, "weight_decay": recipe.decay}
    common |= {"fused": True} if torch.device(recipe.device).type == "cuda" else {}
    if recipe.optimiser == "sgd":
        return torch.optim.SGD(groups, momentum=0.9, nesterov=True, **common)
    made = torch.optim.Adam if recipe.optimiser == "adam" else torch.optim.AdamW
    return made(groups, betas=recipe.betas, **common)


def rate_at(recipe: Recipe, step: int, steps: int, scale: float = 1.0) -> float:
    """Return the learning rate at ``step`` of all ``steps``, after plateaus of ``scale``."""
    progress = step / steps
    rise = max(1, int(recipe.warm_up if recipe.warm_up >= 1 else steps * recipe.warm_up))
    warm = min(1.0, (step + 1) / rise)
    if recipe.schedule == "cosine":
        return recipe.rate * warm * 0.5 * (1 + math.cos(math.pi * progress))
    if recipe.schedule == "linear":
        return recipe.rate * (warm if step < rise else max(0.0, (steps - step) / (steps - rise)))
    if recipe.schedule == "one-cycle":
        falling = 0.5 * (1 + math.cos(math.pi * max(0.0, progress - WARM_UP) / (1 - WARM_UP)))
        return recipe.rate * min(0.05 + progress / WARM_UP, 1.0, falling + 1e-4)
    if recipe.schedule == "hold":  # warm up over one epoch, hold, fall to zero
        epochs = progress * recipe.epochs
        return recipe.rate * min(1.0, 0.05 + epochs, max((recipe.epochs - epochs) / recipe.cooling, 0.0))
    return recipe.rate * scale


def stopped(state: State, recipe: Recipe) -> bool:
    """Tell whether the figure has not become better for ``recipe.patience`` epochs."""
    return 0 < recipe.patience <= state.epoch - state.best_epoch


def _epoch(state: State, recipe: Recipe, task: Task, weights: Tensor | None) -> dict[str, float]:
    began, rate = time.perf_counter(), 0.0
    total = torch.zeros((), dtype=torch.float64, device=recipe.device)  # a read at every step would wait
    done = sum(task.steps(epoch) for epoch in range(state.epoch))
    steps = sum(task.steps(epoch) for epoch in range(recipe.epochs))
    here = task.steps(state.epoch)
    state.network.train()
    batches = track(task.batches(state.epoch), f"epoch {state.epoch + 1}", total=here, transient=True)
    for step, batch in enumerate(batches, done):
        rate = rate_at(recipe, step, steps, state.scale)
        total += _step(state, recipe, batch, weights, rate)
        if recipe.average:
            average_into(state.averaged, state.network, min(recipe.average, (step + 1) / (step + 10)))
    seconds = round(time.perf_counter() - began, 1)
    return {"epoch": state.epoch + 1, "rate": rate, "loss": float(total) / here, "seconds": seconds}


def _step(state: State, recipe: Recipe, batch: Batch, weights: Tensor | None, rate: float) -> Tensor:
    for group in state.optimiser.param_groups:
        group["lr"] = rate * group.get("scale", 1.0)
    place = torch.device(recipe.device)
    with torch.autocast(place.type, torch.bfloat16, enabled=recipe.precision == "bfloat16"):
        logits = state.network(*(_moved(x, place) for x in batch.inputs))
    weights = None if weights is None else weights.to(place)
    logits, n = logits.float(), len(batch.targets)
    loss = F.cross_entropy(
        logits[:n], batch.targets.to(place), weight=weights, label_smoothing=recipe.smoothing
    )
    if batch.penalty is not None:
        loss = loss + batch.penalty(logits[n:])
    state.optimiser.zero_grad()
    torch.autograd.backward(loss)
    if recipe.clip:
        nn.utils.clip_grad_norm_(state.network.parameters(), recipe.clip)
    state.optimiser.step()
    return loss.detach()


def _moved(x: Any, place: torch.device) -> Any:
    return x.to(place) if isinstance(x, Tensor) else [one.to(place) for one in x]


def average_into(averaged: nn.Module, network: nn.Module, keep: float) -> None:
    """Move the averaged weights towards the network's; counters and running statistics likewise."""
    pairs = list(zip(averaged.state_dict().values(), network.state_dict().values(), strict=True))
    moving = [pair for pair in pairs if pair[0].is_floating_point()]
    with torch.no_grad():
        torch._foreach_lerp_([old for old, _ in moving], [new for _, new in moving], 1.0 - keep)
        for old, new in pairs:
            if not old.is_floating_point():
                old.copy_(new)


def _figures(logits: Floats, labels: Indices) -> dict[str, float]:
    if not len(labels):
        return {}
    predicted = logits.argmax(axis=1)
    return {
        "nll": statistics.cross_entropy(logits, labels),
        "accuracy": statistics.accuracy(labels, predicted),
        "uar": statistics.uar(labels, predicted),
    }


def _note(state: State, recipe: Recipe, entry: dict[str, float]) -> None:
    """Add ``entry`` to the log; keep the weights where it is the best, halve the rate on a plateau."""
    sign = -1 if recipe.watch == "nll" else 1
    best = max((sign * line[recipe.watch] for line in state.log if recipe.watch in line), default=-math.inf)
    state.log.append(entry)
    if recipe.watch == "last" or sign * entry[recipe.watch] > best:
        state.best_epoch = state.epoch
        state.best = {k: v.detach().cpu().clone() for k, v in state.averaged.state_dict().items()}
    since = state.epoch - state.best_epoch
    if recipe.schedule == "plateau" and since and since % recipe.plateau_patience == 0:
        state.scale *= FACTOR
