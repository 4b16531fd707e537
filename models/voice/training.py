"""Training of one voice network; imports torch and models.voice."""

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from models.voice.augment import Prepared, Recipe, Variations
from models.voice.network import VoiceNet
from schemas.labels import N_EMOTIONS

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


def train(
    prepared: Prepared, labels: Indices, rows: Indices, config: Config, on_epoch: Callable[[float], None]
) -> VoiceNet:
    """Return the network trained on the clips in ``rows``; ``on_epoch`` is told each mean loss."""
    torch.manual_seed(config.seed)
    rng = np.random.default_rng(config.seed)
    variations = Variations(prepared, config.recipe, rng)
    net = VoiceNet(config.width, config.dropout).to(memory_format=torch.channels_last)
    average = copy.deepcopy(net)
    optimiser = torch.optim.AdamW(net.parameters(), config.rate, weight_decay=config.weight_decay)
    per_epoch = len(rows) // config.batch
    step = 0
    for _ in range(config.epochs):
        net.train()
        losses = []
        for part in np.split(rng.permutation(rows)[: per_epoch * config.batch], per_epoch):
            optimiser.param_groups[0]["lr"] = _rate(config, step, per_epoch * config.epochs)
            loss = _loss(net, variations.batch(part), torch.from_numpy(labels[part]), config, rng)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            step += 1
            _follow(average, net, min(config.average, (step + 1) / (step + 10)))
            losses.append(float(loss.detach()))
        on_epoch(float(np.mean(losses)))
    return average.eval()


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
