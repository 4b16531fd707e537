"""What a training reads: labelled rows, their groups and their parts."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Generator, Tensor

from affectstream.lab.evaluation.outcome import About
from affectstream.lab.splits import require_disjoint
from affectstream.schemas.labels import N_EMOTIONS

Indices = npt.NDArray[np.int64]
Rows = TypeVar("Rows")


@dataclass(frozen=True)
class Part:
    """The rows of one training: learnt from, held out to stop and calibrate it, and what judges it."""

    name: str
    learn: Indices
    held: Indices
    test: Indices


@dataclass(frozen=True)
class Corpus:
    """Labelled rows; no group lies on two sides of a part."""

    about: About  # of the test rows
    labels: Indices  # (n,)
    groups: tuple[str, ...]  # (n,), of the intervals
    keys: Indices  # (n,), what must not be divided: actors, dialogues, near duplicates
    parts: tuple[Part, ...]
    known: dict[str, tuple[str, ...]] = field(default_factory=dict)  # "sex" -> (n,), for rows of the report

    def __post_init__(self) -> None:
        """Raise InputError where a part leaks."""
        keys = self.keys.tolist()
        for part in self.parts:
            require_disjoint(keys, part.learn, part.held)
            require_disjoint(keys, np.concatenate([part.learn, part.held]), part.test)


@dataclass(frozen=True)
class Worse(Generic[Rows]):
    """The same rows under one condition."""

    condition: str
    severity: float
    unit: str
    rows: Rows


Training = Callable[
    [Tensor, int, Generator], Tensor
]  # rows of the inputs, the epoch, what chance is drawn from
Plain = Callable[[Tensor, int], tuple[Tensor, ...]]  # one or more views, whose logits are averaged


@dataclass(frozen=True)
class Inputs:
    """What the network is given, as tensors in memory."""

    stored: Tensor  # (n, ...)
    targets: Tensor  # (n, 7), sums of 1
    training: Training
    plain: Plain
    worse: Callable[[Indices], Iterator[Worse[Tensor]]] | None = None  # of rows; None: they are faces


def one_hot(labels: Indices) -> Tensor:
    """Return targets (n, 7) of labels (n,); a row with the label -1 is zero."""
    return torch.from_numpy((labels[:, None] == np.arange(N_EMOTIONS)).astype(np.float32))


def as_stored(rows: Tensor, epoch: int, rng: Generator) -> Tensor:
    """Return the rows as they are: no augmentation."""
    return rows


def as_they_are(rows: Tensor, epoch: int) -> tuple[Tensor, ...]:
    """Return the rows as the only view."""
    return (rows,)
