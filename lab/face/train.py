"""Training of the face network on the votes of FER+.

    python -m affectstream.lab.face.train --data DATA/ferplus --out FIRST
    python -m affectstream.lab.face.train --data DATA/ferplus --out OUT --start FIRST/checkpoint.pt

The second refines the first. Each continues from its own OUT/checkpoint.pt where there is one.
"""

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
import torch.nn.functional as F
from rich.console import Console
from rich.progress import track
from sklearn.metrics import f1_score
from torch import Tensor, nn

from affectstream.lab.datasets.duplicates import groups, hold_out
from affectstream.lab.datasets.ferplus import Faces, load_npz, majority, trainable, vote_shares
from affectstream.lab.face.augment import augment
from affectstream.models.face.network import DEPTHS, WIDTHS, FaceNet

Number = TypeVar("Number", int, float)


@dataclass(frozen=True)
class Recipe:
    """Everything that decides the result, stored with it."""

    widths: tuple[int, ...] = WIDTHS
    depths: tuple[int, ...] = DEPTHS
    dropout: float = 0.2
    epochs: int = 26
    cooling: int = 14  # last epochs, over which the rate falls to zero
    batch: int = 64
    rate: float = 0.05
    decay: float = 5e-4
    average: float = 0.998  # of the weights, per step
    balance: float = 0.3  # faces are drawn in proportion to (frequency of their class) ** -balance
    held_out: float = 0.1
    seed: int = 7
    strengths: tuple[tuple[int, float], ...] = ((0, 1.0), (12, 0.5))  # (first epoch, of the augmentation)
    sides: tuple[tuple[int, int], ...] = ((0, 32), (13, 40), (17, 48))  # (first epoch, side of the input)


# Full augmentation at full size, warmly restarted: the first run ends by learning its faces by heart.
REFINE = Recipe(dropout=0.3, epochs=3, cooling=3, rate=0.02, strengths=((0, 1.0),), sides=((0, 48),))


@dataclass
class State:
    """What a checkpoint holds."""

    network: FaceNet
    averaged: FaceNet
    optimiser: torch.optim.Optimizer
    rng: torch.Generator
    epoch: int = 0


def split(faces: Faces, share: float, seed: int) -> tuple[Faces, Faces]:
    """Return the faces to learn from and the held-out ones; near duplicates stay on one side."""
    usable = faces.take(trainable(faces.votes))
    out = hold_out(groups(usable.images), share, seed)
    return usable.take(~out), usable.take(out)


def draw_weights(shares: Tensor, balance: float) -> Tensor:
    """Return how often each face (n,) is drawn, from its vote shares (n, 7)."""
    frequency = shares.mean(dim=0).clamp_min(1.0 / len(shares))
    return shares @ (frequency / frequency.max()) ** -balance


def rate_at(recipe: Recipe, progress: float) -> float:
    """Return the learning rate at ``progress`` epochs: warm up over one, hold, fall to zero."""
    falling = (recipe.epochs - progress) / max(recipe.cooling, 1)
    return recipe.rate * min(1.0, 0.05 + progress, max(falling, 0.0))


def at_epoch(steps: Sequence[tuple[int, Number]], epoch: int) -> Number:
    """Return the value that holds in ``epoch``, from pairs of first epoch and value."""
    return [value for first, value in steps if epoch >= first][-1]


def begin(recipe: Recipe) -> State:
    """Return the state before the first step."""
    torch.manual_seed(recipe.seed)
    network = FaceNet(recipe.widths, recipe.depths, recipe.dropout).to(memory_format=torch.channels_last)
    averaged = FaceNet(recipe.widths, recipe.depths).to(memory_format=torch.channels_last)
    averaged.load_state_dict(network.state_dict())
    optimiser = torch.optim.SGD(
        network.parameters(), lr=recipe.rate, momentum=0.9, nesterov=True, weight_decay=recipe.decay
    )
    return State(network, averaged.eval(), optimiser, torch.Generator().manual_seed(recipe.seed))


def save(state: State, recipe: Recipe, path: Path) -> None:
    """Write a checkpoint, whole or not at all."""
    parts: dict[str, Any] = {
        "network": state.network.state_dict(),
        "averaged": state.averaged.state_dict(),
        "optimiser": state.optimiser.state_dict(),
        "rng": state.rng.get_state(),
        "dropout_rng": torch.get_rng_state(),
        "epoch": state.epoch,
        "recipe": asdict(recipe),
    }
    torch.save(parts, path.with_suffix(".part"))
    path.with_suffix(".part").replace(path)


def resume(state: State, path: Path) -> None:
    """Continue ``state`` from the checkpoint at ``path``."""
    parts = torch.load(path, weights_only=True)
    state.network.load_state_dict(parts["network"])
    state.averaged.load_state_dict(parts["averaged"])
    state.optimiser.load_state_dict(parts["optimiser"])
    state.rng.set_state(parts["rng"])
    torch.set_rng_state(parts["dropout_rng"])
    state.epoch = parts["epoch"]


def average_into(averaged: nn.Module, network: nn.Module, keep: float) -> None:
    """Move the averaged weights towards the network's; counters and running statistics likewise."""
    with torch.no_grad():
        for old, new in zip(averaged.state_dict().values(), network.state_dict().values(), strict=True):
            if old.is_floating_point():
                old.lerp_(new, 1.0 - keep)
            else:
                old.copy_(new)


def train_epoch(state: State, recipe: Recipe, images: Tensor, shares: Tensor) -> float:
    """Take one epoch of steps over faces drawn with their weights; return the mean loss."""
    side, strength = at_epoch(recipe.sides, state.epoch), at_epoch(recipe.strengths, state.epoch)
    weights = draw_weights(shares, recipe.balance)
    drawn = torch.multinomial(weights, len(images), replacement=True, generator=state.rng)
    batches = torch.split(drawn, recipe.batch)
    total = 0.0
    state.network.train()
    for step, rows in enumerate(track(batches, description=f"epoch {state.epoch + 1}", transient=True)):
        for group in state.optimiser.param_groups:
            group["lr"] = rate_at(recipe, state.epoch + step / len(batches))
        logits = state.network(augment(images[rows], side, strength, state.rng))
        loss = F.cross_entropy(logits, shares[rows])
        state.optimiser.zero_grad()
        torch.autograd.backward(loss)
        state.optimiser.step()
        done = state.epoch * len(batches) + step
        average_into(state.averaged, state.network, min(recipe.average, (done + 1) / (done + 10)))
        total += float(loss.detach())
    state.epoch += 1
    return total / len(batches)


def logits_of(network: nn.Module, images: Tensor, batch: int = 256) -> Tensor:
    """Return the logits (n, 7) of faces (n, 48, 48)."""
    network.eval()
    with torch.inference_mode():
        return torch.cat([network(part) for part in torch.split(images, batch)])


def measure(network: nn.Module, faces: Faces, side: int = 48) -> dict[str, float]:
    """Return accuracy and macro F1 at ``side`` on the faces with a majority among the seven."""
    labels = majority(faces.votes)
    images = F.interpolate(torch.from_numpy(faces.images).float()[:, None], size=side, mode="area")[:, 0]
    found = logits_of(network, images).argmax(dim=1).numpy()[labels >= 0]
    labels = labels[labels >= 0]
    f1 = f1_score(labels, found, average="macro", labels=np.arange(7), zero_division=0.0)
    return {"accuracy": float((found == labels).mean()), "macro_f1": float(f1)}


def start_from(state: State, path: Path) -> None:
    """Give the averaged weights of another run's checkpoint to the networks of a fresh ``state``."""
    weights = torch.load(path, weights_only=True)["averaged"]
    state.network.load_state_dict(weights)
    state.averaged.load_state_dict(weights)


def train(
    recipe: Recipe, faces: Faces, out: Path, report: Callable[[str], None], start: Path | None = None
) -> State:
    """Train on ``faces`` (a part held out), with a checkpoint in ``out`` after every epoch.

    ``start`` names a checkpoint of another run with the same ``held_out`` and ``seed`` to go on from.
    """
    out.mkdir(parents=True, exist_ok=True)
    learn, held = split(faces, recipe.held_out, recipe.seed)
    images = torch.from_numpy(learn.images)
    shares = torch.from_numpy(vote_shares(learn.votes)).to(torch.float32)
    state = begin(recipe)
    checkpoint = out / "checkpoint.pt"
    if checkpoint.exists():
        resume(state, checkpoint)
    elif start is not None:
        start_from(state, start)
    (out / "recipe.json").write_text(json.dumps(asdict(recipe), indent=2) + "\n")
    while state.epoch < recipe.epochs:
        loss = train_epoch(state, recipe, images, shares)
        save(state, recipe, checkpoint)
        figures = measure(state.averaged, held, at_epoch(recipe.sides, state.epoch - 1))
        figures |= {"loss": loss, "epoch": state.epoch}
        with (out / "log.jsonl").open("a") as log:
            log.write(json.dumps(figures) + "\n")
        report(" ".join(f"{name} {value:.4g}" for name, value in figures.items()))
    return state


def main() -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(description="Train the face network on the votes of FER+.")
    parser.add_argument("--data", type=Path, required=True, help="folder with train.npz")
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoints and the log")
    parser.add_argument("--start", type=Path, help="checkpoint of a finished run, to refine at full size")
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    recipe = REFINE if given.start else Recipe()
    train(recipe, load_npz(given.data / "train.npz"), given.out, Console().print, given.start)


if __name__ == "__main__":
    main()
