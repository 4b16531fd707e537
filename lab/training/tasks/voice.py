"""Training of one voice network."""

import copy
import json
import math
import zipfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from affectstream.lab.voice.augment import Prepared, Recipe, Variations
from affectstream.models.voice.network import VoiceNet
from affectstream.schemas.errors import InputError
from affectstream.schemas.labels import N_EMOTIONS

Indices = npt.NDArray[np.int64]
WARM_UP_STEPS = 100


@dataclass(frozen=True)
class Config:
    """Everything that decides what a run yields, beside the data."""

    width: int = 16
    dropout: float = 0.2
    epochs: int = 30
    batch: int = 16
    rate: float = 2e-3
    weight_decay: float = 0.02
    smoothing: float = 0.1
    mixup: float = 0.2  # share of the batches
    mixup_alpha: float = 0.4
    average: float = 0.99  # of the weights, per step; the averaged network is the result
    seed: int = 0
    recipe: Recipe = field(default_factory=Recipe)


@dataclass
class State:
    """Everything that the next epoch depends on, beside the labels and the configuration."""

    net: VoiceNet
    average: VoiceNet
    optimiser: torch.optim.Optimizer
    rng: np.random.Generator  # of batches and variations; dropout draws from torch's own
    variations: Variations
    epoch: int = 0


def train(
    prepared: Prepared,
    labels: Indices,
    rows: Indices,
    config: Config,
    on_epoch: Callable[[int, float], None],
    checkpoint: Path | None = None,
) -> VoiceNet:
    """Return the network trained on the clips in ``rows``; ``on_epoch`` is told each epoch and its mean loss.

    A training that was stopped goes on from ``checkpoint``, which every epoch writes, to the same weights.
    """
    state = _begin(prepared, config)
    if checkpoint is not None and checkpoint.exists():
        _resume(state, config, checkpoint)
    while state.epoch < config.epochs:
        loss = _epoch(state, config, labels, rows)
        if checkpoint is not None:
            _save(state, config, checkpoint)
        on_epoch(state.epoch, loss)
    return state.average.eval()


def _begin(prepared: Prepared, config: Config) -> State:
    torch.manual_seed(config.seed)
    net = VoiceNet(config.width, config.dropout).to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(net.parameters(), config.rate, weight_decay=config.weight_decay)
    rng = np.random.default_rng(config.seed)
    return State(net, copy.deepcopy(net), optimiser, rng, Variations(prepared, config.recipe, rng))


def _epoch(state: State, config: Config, labels: Indices, rows: Indices) -> float:
    """Take one epoch of steps; return their mean loss."""
    per_epoch = len(rows) // config.batch
    step, losses = state.epoch * per_epoch, []
    state.net.train()
    for part in np.split(state.rng.permutation(rows)[: per_epoch * config.batch], per_epoch):
        state.optimiser.param_groups[0]["lr"] = _rate(config, step, per_epoch * config.epochs)
        batch, said = state.variations.batch(part), torch.from_numpy(labels[part])
        loss = _loss(state.net, batch, said, config, state.rng)
        state.optimiser.zero_grad()
        torch.autograd.backward(loss)
        state.optimiser.step()
        step += 1
        _follow(state.average, state.net, min(config.average, (step + 1) / (step + 10)))
        losses.append(float(loss.detach()))
    state.epoch += 1
    return float(np.mean(losses))


def _save(state: State, config: Config, path: Path) -> None:
    """Write a checkpoint, whole or not at all."""
    parts = {
        "net": state.net.state_dict(),
        "average": state.average.state_dict(),
        "optimiser": state.optimiser.state_dict(),
        "rng": json.dumps(state.rng.bit_generator.state),
        "noise_rng": state.variations.noise_rng.get_state(),
        "dropout_rng": torch.get_rng_state(),
        "epoch": state.epoch,
        "config": json.dumps(asdict(config)),
    }
    torch.save(parts, path.with_suffix(".part"))
    path.with_suffix(".part").replace(path)


def _resume(state: State, config: Config, path: Path) -> None:
    """Continue ``state`` from ``path``; raises InputError where it is broken or of another recipe."""
    if not zipfile.is_zipfile(path):
        raise InputError(f"{path} is broken: delete it to train this network from its start")
    parts = torch.load(path, weights_only=True)
    if parts["config"] != json.dumps(asdict(config)):
        raise InputError(f"{path} was begun with another recipe: delete it, or take a new folder")
    state.net.load_state_dict(parts["net"])
    state.average.load_state_dict(parts["average"])
    state.optimiser.load_state_dict(parts["optimiser"])
    state.rng.bit_generator.state = json.loads(parts["rng"])
    state.variations.noise_rng.set_state(parts["noise_rng"])
    torch.set_rng_state(parts["dropout_rng"])
    state.epoch = parts["epoch"]


def _rate(config: Config, step: int, steps: int) -> float:
    """Return the learning rate: linear warm-up, then a cosine to zero."""
    return config.rate * min(1.0, (step + 1) / WARM_UP_STEPS) * 0.5 * (1 + math.cos(math.pi * step / steps))


def _loss(net: VoiceNet, x: Tensor, labels: Tensor, config: Config, rng: np.random.Generator) -> Tensor:
    """Return the cross-entropy with smoothed labels, some batches mixed (Zhang et al., ICLR 2018)."""
    target = functional.one_hot(labels, N_EMOTIONS).float()
    target = target * (1 - config.smoothing) + config.smoothing / N_EMOTIONS
    if rng.random() < config.mixup:
        share = float(rng.beta(config.mixup_alpha, config.mixup_alpha))
        other = torch.from_numpy(rng.permutation(len(x)))
        x = share * x + (1 - share) * x[other]
        target = share * target + (1 - share) * target[other]
    return functional.cross_entropy(net(x.contiguous(memory_format=torch.channels_last)), target)


def _follow(average: VoiceNet, net: VoiceNet, keep: float) -> None:
    """Move the averaged weights and statistics towards those of ``net``."""
    with torch.no_grad():
        for slow, fast in zip(average.state_dict().values(), net.state_dict().values(), strict=True):
            if slow.dtype.is_floating_point:
                slow.lerp_(fast, 1 - keep)
            else:
                slow.copy_(fast)
