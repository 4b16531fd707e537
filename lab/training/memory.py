"""Rows that lie in memory as tensors, and the task of learning them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Generator, Tensor, nn

from affectstream.lab.statistics import Floats
from affectstream.lab.training.corpus import Corrupted, Indices, Part
from affectstream.lab.training.recipe import Recipe
from affectstream.lab.training.task import Batch
from affectstream.schemas.labels import N_EMOTIONS

AT_ONCE, AT_ONCE_ELSEWHERE = 128, 1024  # rows of an evaluation on the CPU, on another device
ORDERS = 1000  # between the seeds of two orders
# of rows, the epoch and a generator, to what the network learns from
Augment = Callable[[Tensor, int, Generator], Tensor]
Plain = Callable[[Tensor, int], tuple[Tensor, ...]]  # one or more views, whose logits are averaged


@dataclass(frozen=True)
class Inputs:
    """What a network is given, as tensors in memory."""

    stored: Tensor  # (n, ...)
    targets: Tensor  # (n, 7), sums of 1
    augment: Augment
    plain: Plain
    corrupted: Callable[[Indices], Iterator[Corrupted[Tensor]]] | None = None  # of rows; None: they are faces
    # of augmented rows and their targets, to what they are learnt as; None: as the targets say
    learnt_as: Callable[[Tensor, Tensor], Tensor] | None = None

    def task(self, part: Part, labels: Indices, recipe: Recipe) -> "InMemory":
        """Return the task of learning the rows of ``part``; ``labels`` (n,) are those of all rows."""
        return InMemory(self, part, labels, recipe)

    def logits(self, network: nn.Module, rows: Indices, recipe: Recipe) -> Floats:
        """Return the logits (rows, 7) of a trained network."""
        return logits_of(network, self, rows, recipe.epochs - 1, recipe.device)

    def class_targets(self, part: Part) -> Tensor:
        """Return the targets (n, 7) of the rows to learn from."""
        return self.targets[part.learn]


class InMemory:
    """Training on rows of ``Inputs``, shuffled or drawn by class."""

    def __init__(self, inputs: Inputs, part: Part, labels: Indices, recipe: Recipe) -> None:
        """Take the rows of ``part``; ``labels`` (n,) are those of all rows."""
        self._inputs, self._part, self._recipe = inputs, part, recipe
        self._place = torch.device(recipe.device)
        self._rng = torch.Generator().manual_seed(recipe.seed + ORDERS * recipe.order)
        self._chance = self._rng  # of augmentation, on the device that it runs on
        if self._place.type != "cpu":
            self._chance = torch.Generator(self._place).manual_seed(recipe.seed + ORDERS * recipe.order)
        self._targets = inputs.targets[part.learn]
        self._stored, self._all_targets = (x.to(self._place) for x in (inputs.stored, inputs.targets))
        self.held_labels = labels[part.held]

    def steps(self, epoch: int) -> int:
        """Return the number of batches; a last one of a single row is left out, for BatchNorm."""
        n, size = len(self._part.learn), self._recipe.batch
        return max(n // size, 1) if n % size <= 1 else n // size + 1

    def batches(self, epoch: int) -> Iterator[Batch]:
        """Yield the batches of ``epoch``."""
        order = torch.from_numpy(self._part.learn)[self._drawn()].to(self._place)
        for rows in torch.split(order, self._recipe.batch)[: self.steps(epoch)]:
            x = self._inputs.augment(self._stored[rows], epoch, self._chance)
            targets, learnt_as = self._all_targets[rows], self._inputs.learnt_as
            yield Batch((x,), targets if learnt_as is None else learnt_as(x, targets))

    def _drawn(self) -> Tensor:
        n = len(self._part.learn)
        if not self._recipe.balance:
            return torch.randperm(n, generator=self._rng)
        weights = draw_weights(self._targets, self._recipe.balance)
        return torch.multinomial(weights, n, replacement=True, generator=self._rng)

    def held_logits(self, network: nn.Module, epoch: int) -> Floats:
        """Return the logits of the held-out rows."""
        return logits_of(network, self._inputs, self._part.held, epoch, self._recipe.device)

    def groups(self, network: nn.Module) -> Iterable[Any]:
        """Return the parameters that train."""
        return (p for p in network.parameters() if p.requires_grad)

    def random_state(self) -> dict[str, Any]:
        """Return the states of the generators."""
        return {"rng": self._rng.get_state(), "chance": self._chance.get_state()}

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from ``state``."""
        self._rng.set_state(state["rng"])
        self._chance.set_state(state["chance"])


def draw_weights(shares: Tensor, balance: float) -> Tensor:
    """Return how often each row (n,) is drawn, from its class shares (n, 7)."""
    frequency = shares.mean(dim=0).clamp_min(1.0 / len(shares))
    return shares @ (frequency / frequency.max()) ** -balance


def class_weights(targets: Tensor) -> Tensor:
    """Return weights (7,) that are inverse to the frequency of each class in ``targets`` (n, 7)."""
    count = targets.sum(dim=0)
    return torch.where(count > 0, count.sum() / (N_EMOTIONS * count.clamp_min(1e-9)), 0.0)


def logits_of(network: nn.Module, inputs: Inputs, rows: Indices, epoch: int, device: str) -> Floats:
    """Return the logits (rows, 7) in float32, averaged over the views of the inputs."""
    network.eval()
    found = [torch.zeros(0, N_EMOTIONS)]
    with torch.inference_mode():
        for batch in torch.split(torch.from_numpy(rows), AT_ONCE if device == "cpu" else AT_ONCE_ELSEWHERE):
            if len(batch):
                views = inputs.plain(inputs.stored[batch], epoch)
                found.append(torch.stack([network(x.to(device)).float().cpu() for x in views]).mean(dim=0))
    return np.asarray(torch.cat(found).double().numpy())


def mean_answer(teachers: Sequence[nn.Module], *inputs: Tensor) -> Tensor:
    """Return the mean probabilities (n, 7) of ``teachers``, for ``inputs`` on their device."""
    with torch.no_grad():
        return torch.stack([teacher(*inputs).float().softmax(1) for teacher in teachers]).mean(dim=0)


def one_hot(labels: Indices) -> Tensor:
    """Return targets (n, 7) of labels (n,); a row with the label -1 is zero."""
    return torch.from_numpy((labels[:, None] == np.arange(N_EMOTIONS)).astype(np.float32))


def as_stored(rows: Tensor, epoch: int, rng: Generator) -> Tensor:
    """Return the rows as they are: no augmentation."""
    return rows


def as_they_are(rows: Tensor, epoch: int) -> tuple[Tensor, ...]:
    """Return the rows as the only view."""
    return (rows,)
