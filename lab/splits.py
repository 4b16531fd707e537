"""Splits that keep a speaker, dialogue or duplicate on one side."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from affectstream.schemas.errors import InputError

Indices = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Fold:
    """Row numbers of one split; no group lies on both sides."""

    train: Indices
    test: Indices


def merged_groups(groups: Sequence[Hashable], *more: Sequence[Hashable]) -> Indices:
    """Return one group number per row such that rows sharing any key (speaker, file hash, ...) share it.

    ``groups`` and each of ``more`` hold one key per row. Numbers run from 0 in the order of first appearance.
    """
    parent = list(range(len(groups)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for keys in (groups, *more):
        if len(keys) != len(groups):
            raise InputError(f"{len(keys)} keys for {len(groups)} rows")
        first: dict[Hashable, int] = {}
        for i, key in enumerate(keys):
            a, b = root(first.setdefault(key, i)), root(i)
            parent[max(a, b)] = min(a, b)
    numbers: dict[int, int] = {}
    return np.array([numbers.setdefault(root(i), len(numbers)) for i in range(len(groups))], dtype=np.int64)


def shared(keys: Sequence[Hashable], train: Indices, test: Indices) -> set[Hashable]:
    """Return the keys (one per row) that appear on both sides."""
    return {keys[i] for i in train} & {keys[i] for i in test}


def require_disjoint(groups: Sequence[Hashable], train: Indices, test: Indices) -> None:
    """Raise InputError, naming some of them, where a group lies on both sides."""
    both = shared(groups, train, test)
    if both:
        some = ", ".join(sorted(map(str, both))[:5])
        raise InputError(f"the split leaks: {len(both)} groups are in training and in test ({some})")


def grouped_folds(
    strata: Sequence[Hashable], groups: Sequence[Hashable], folds: int = 5, seed: int = 0
) -> tuple[Fold, ...]:
    """Return ``folds`` splits with whole groups in test, the strata spread as evenly as the groups allow."""
    if len(set(groups)) < folds:
        raise InputError(f"{folds} folds need at least {folds} groups, there are {len(set(groups))}")
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    rows = np.zeros(len(groups))
    made = []
    for train, test in splitter.split(rows, _numbers(strata), _numbers(groups)):
        require_disjoint(groups, train, test)
        made.append(Fold(train.astype(np.int64), test.astype(np.int64)))
    return tuple(made)


def random_folds(strata: Sequence[Hashable], folds: int = 5, seed: int = 0) -> tuple[Fold, ...]:
    """Return splits that ignore groups: they leak, and exist only to measure by how much."""
    splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
    split = splitter.split(np.zeros(len(strata)), _numbers(strata))
    return tuple(Fold(train.astype(np.int64), test.astype(np.int64)) for train, test in split)


def _numbers(keys: Sequence[Hashable]) -> Indices:
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys], dtype=np.int64)
