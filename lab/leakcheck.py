"""Leak check: what a split shares between its parts, and by how much that flatters a baseline."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from affectstream.lab import statistics
from affectstream.lab.splits import Fold, Indices, grouped_folds, merged_groups, random_folds, shared
from affectstream.schemas.errors import InputError

Inputs = npt.NDArray[Any]  # (n, d) numbers, or (n,) texts: what the baseline takes
Baseline = Callable[[], Any]  # a fresh scikit-learn classifier
Skipped = Sequence[tuple[str, str]]  # what was left out, by its name, and why
SHOWN = 5  # sets of copies, and reasons to leave out, named in the text of a report


@dataclass(frozen=True)
class Item:
    """One example, as far as leaks go."""

    name: str
    label: int
    group: Hashable  # speaker, dialogue, comment, set of near duplicates
    copy: Hashable  # equal for items that are the same recording, face or text
    part: str = ""  # of the official split; empty where there is none


@dataclass(frozen=True)
class Leaks:
    """What a split shares between training and test, summed over its folds, and the baseline's UAR on it."""

    shared_groups: int
    copies: int  # items of the test sides that training has a copy of
    uar: float


@dataclass(frozen=True)
class Official:
    """A test part of the official split, and the baseline learnt on the part before it."""

    first: str
    second: str
    items: int  # of the second
    shared_groups: int
    copies: int  # items of the second that the first has a copy of
    uar: float
    uar_without_copies: float | None  # None where nothing is left without them


@dataclass(frozen=True)
class Report:
    """A random split beside one by group, and the official one where there is one."""

    items: int
    groups: int
    folds: int
    duplicates: tuple[tuple[str, ...], ...]  # names of items that are copies of each other
    random: Leaks
    grouped: Leaks
    official: tuple[Official, ...] = ()
    skipped: Skipped = ()

    @property
    def gap(self) -> float:
        """Return by how much the random split flatters the baseline."""
        return self.random.uar - self.grouped.uar

    def lines(self) -> Iterator[str]:
        """Yield the report as text."""
        yield f"{self.items} items, {self.groups} groups, {len(self.duplicates)} sets of copies"
        yield from self._left_out()
        for names in self.duplicates[:SHOWN]:
            yield "copies: " + ", ".join(names)
        if len(self.duplicates) > SHOWN:
            yield f"and {len(self.duplicates) - SHOWN} sets more"
        for part in self.official:
            rest = part.uar_without_copies
            yield (
                f"official split: of {part.items} items in {part.second}, {part.copies} have a copy in "
                f"{part.first}, {part.shared_groups} groups on both sides; baseline UAR {part.uar:.3f}, "
                + ("nothing is left without the copies" if rest is None else f"without the copies {rest:.3f}")
            )
        for title, leaks in (("random split", self.random), ("split by group", self.grouped)):
            yield (
                f"{title}: {leaks.shared_groups} groups on both sides, {leaks.copies} items with a copy in "
                f"training, baseline UAR {leaks.uar:.3f} in {self.folds} folds"
            )
        yield f"the random split flatters the baseline by {100 * self.gap:.1f} points"

    def _left_out(self) -> Iterator[str]:
        reasons: dict[str, list[str]] = {}
        for name, reason in self.skipped:
            reasons.setdefault(reason, []).append(name)
        for reason, names in list(reasons.items())[:SHOWN]:
            yield f"left out: {names[0]}{f' and {len(names) - 1} more' if names[1:] else ''}: {reason}"
        rest = sum(len(names) for names in list(reasons.values())[SHOWN:])
        if rest:
            yield f"and {rest} more for other reasons"


def check(
    items: Sequence[Item],
    inputs: Inputs,
    baseline: Baseline,
    folds: int = 5,
    seed: int = 0,
    skipped: Skipped = (),
) -> Report:
    """Return what splits of ``items`` share, and the UAR of ``baseline`` on ``inputs`` (n, ...).

    There are at most as many folds as groups. Raises InputError where there is too little to split or learn.
    """
    by_copy: dict[Hashable, list[str]] = {}
    for item in items:
        by_copy.setdefault(item.copy, []).append(item.name)
    labels = [item.label for item in items]
    groups = merged_groups([i.group for i in items], [i.copy for i in items]).tolist()
    possible = _folds(labels, groups, folds)
    return Report(
        items=len(items),
        groups=len({i.group for i in items}),
        folds=possible,
        duplicates=tuple(tuple(names) for names in by_copy.values() if len(names) > 1),
        random=_leaks(items, inputs, baseline, random_folds(labels, possible, seed)),
        grouped=_leaks(items, inputs, baseline, grouped_folds(labels, groups, possible, seed)),
        official=tuple(_officials(items, inputs, baseline)),
        skipped=tuple(skipped),
    )


def _folds(labels: Sequence[int], groups: Sequence[int], wanted: int) -> int:
    """Return how many folds there can be; raises InputError where there can be none."""
    classes, apart = Counter(labels), len(set(groups))
    possible = min(wanted, apart, max(classes.values()))
    if possible < 2 or len(classes) < 2:
        raise InputError(
            "splits are compared from two groups, two classes and two items of a class on: these "
            f"{len(labels)} items have {apart} groups that share no copy, {len(classes)} classes and at most "
            f"{max(classes.values())} of one class"
        )
    return possible


def _leaks(items: Sequence[Item], inputs: Inputs, baseline: Baseline, split: Sequence[Fold]) -> Leaks:
    labels = np.array([item.label for item in items])
    predicted = np.zeros_like(labels)
    for fold in split:
        predicted[fold.test] = _predicted(inputs, labels, baseline, fold)
    groups = [i.group for i in items]
    return Leaks(
        shared_groups=sum(len(shared(groups, f.train, f.test)) for f in split),
        copies=sum(int(_copied(items, f).sum()) for f in split),
        uar=statistics.uar(labels, predicted),
    )


def _officials(items: Sequence[Item], inputs: Inputs, baseline: Baseline) -> Iterator[Official]:
    """Yield every pair of parts, the baseline learnt on the one called train, else on the first."""
    labels = np.array([item.label for item in items])
    parts: dict[str, Indices] = {
        part: np.array([i for i, item in enumerate(items) if item.part == part], dtype=np.int64)
        for part in sorted(dict.fromkeys(item.part for item in items), key=_no_training)
    }
    for first, second in combinations(parts, 2):
        fold = Fold(parts[first], parts[second])
        predicted, copied = _predicted(inputs, labels, baseline, fold), _copied(items, fold)
        truth = labels[fold.test]
        yield Official(
            first,
            second,
            items=len(fold.test),
            shared_groups=len(shared([i.group for i in items], fold.train, fold.test)),
            copies=int(copied.sum()),
            uar=statistics.uar(truth, predicted),
            uar_without_copies=None if copied.all() else statistics.uar(truth[~copied], predicted[~copied]),
        )


def _no_training(part: str) -> bool:
    return not part.casefold().startswith("train")


def _predicted(inputs: Inputs, labels: Indices, baseline: Baseline, fold: Fold) -> Indices:
    learnt = labels[fold.train]
    try:
        model = baseline().fit(inputs[fold.train], learnt)
        return np.asarray(model.predict(inputs[fold.test]), dtype=np.int64)
    except ValueError as error:  # one class, fewer items than components, no word said twice
        raise InputError(
            f"the baseline cannot learn from {len(learnt)} items of {len(set(learnt))} classes: "
            "the check needs more of the corpus"
        ) from error


def _copied(items: Sequence[Item], fold: Fold) -> npt.NDArray[np.bool_]:
    """Return which of the test items (n,) have a copy in training."""
    known = {items[i].copy for i in fold.train}
    return np.array([items[i].copy in known for i in fold.test], dtype=np.bool_)
