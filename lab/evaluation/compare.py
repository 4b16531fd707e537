"""Runs side by side and their differences on the same items."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from affectstream.lab.bootstrap import DRAWS, Difference, Interval, intervals, paired
from affectstream.lab.evaluation.outcome import Outcome
from affectstream.schemas.errors import InputError


@dataclass(frozen=True)
class Column:
    """The figures of one run, and by how much they differ from those of the first."""

    run: str
    figures: dict[str, Interval]
    against_first: tuple[Difference, ...]  # empty for the first


@dataclass(frozen=True)
class Comparison:
    """One set that every run predicted."""

    name: str
    items: int
    groups: str
    columns: tuple[Column, ...]


def compare(runs: Mapping[str, Sequence[Outcome]], draws: int = DRAWS) -> tuple[Comparison, ...]:
    """Return a comparison for every set that all ``runs`` predicted, each run against the first.

    Raises InputError for fewer than two runs, for no common set, and for sets of other items.
    """
    if len(runs) < 2:
        raise InputError("a comparison needs at least two runs")
    named = {run: {outcome.about.name: outcome for outcome in outcomes} for run, outcomes in runs.items()}
    first_run, *others = named
    common = [name for name in named[first_run] if all(name in named[run] for run in others)]
    if not common:
        sets = "; ".join(f"{run}: {', '.join(outcomes)}" for run, outcomes in named.items())
        raise InputError(f"the runs share no set ({sets})")
    return tuple(_comparison(name, {run: named[run][name] for run in named}, draws) for name in common)


def _comparison(name: str, outcomes: dict[str, Outcome], draws: int) -> Comparison:
    first = next(iter(outcomes.values()))
    columns = tuple(
        Column(run, intervals(o, draws), () if o is first else paired(first, o, draws))
        for run, o in outcomes.items()
    )
    groups = f"{len(set(first.groups))} {first.about.groups}"
    return Comparison(name, len(first.labels), groups, columns)
