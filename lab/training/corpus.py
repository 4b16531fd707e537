"""Labelled rows to train on, their groups and parts."""

from dataclasses import dataclass, field
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

from affectstream.lab.evaluation.outcome import About
from affectstream.lab.splits import require_disjoint

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
class Corrupted(Generic[Rows]):
    """The same rows under one condition."""

    condition: str
    severity: float
    unit: str
    rows: Rows
