"""What differs between the tasks of training: batches, held-out rows, parameter groups, chance."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple, Protocol

from torch import Tensor, nn

from affectstream.lab.statistics import Floats
from affectstream.lab.training.corpus import Indices, Part
from affectstream.lab.training.recipe import Recipe


class Batch(NamedTuple):
    """What the network is called with, and what it should say."""

    inputs: tuple[Any, ...]  # tensors, or sequences of tensors
    targets: Tensor  # (n, 7) shares or (n,) classes, of the first n rows that the network returns
    penalty: Callable[[Tensor], Tensor] | None = None  # of the logits of the rows after them


class Task(Protocol):
    """One network's training data."""

    held_labels: Indices  # of the held-out rows, none where nothing is held out

    def steps(self, epoch: int) -> int:
        """Return the number of batches in ``epoch``."""
        ...

    def batches(self, epoch: int) -> Iterator[Batch]:
        """Yield the batches of ``epoch``."""
        ...

    def held_logits(self, network: nn.Module, epoch: int) -> Floats:
        """Return the logits (n, 7) of the held-out rows, looked at as in ``epoch``."""
        ...

    def groups(self, network: nn.Module) -> Iterable[Any]:
        """Return what the optimiser takes: parameters, or groups whose ``scale`` multiplies the rate."""
        ...

    def random_state(self) -> dict[str, Any]:
        """Return the state of the generators that batches are drawn from."""
        ...

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from what ``random_state`` returned."""
        ...


class Material(Protocol):
    """The rows of a corpus as networks of one kind take them."""

    def task(self, part: Part, labels: Indices, recipe: Recipe) -> Task:
        """Return the task of learning the rows of ``part``; ``labels`` (n,) are those of all rows."""
        ...

    def logits(self, network: nn.Module, rows: Indices, recipe: Recipe) -> Floats:
        """Return the logits (rows, 7) of a trained network."""
        ...

    def class_targets(self, part: Part) -> Tensor:
        """Return the targets (n, 7) of the rows to learn from."""
        ...
