"""Evaluations and comparisons of models as tables in the terminal."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from affectstream.lab.evaluation.compare import Column, Comparison
    from affectstream.lab.evaluation.outcome import Evaluation, Target

SHOWN = ("accuracy", "uar", "macro_f1", "weighted_f1", "ece")
HEADS = ("accuracy", "UAR", "macro F1", "weighted F1", "ECE")
COMPARED = (*SHOWN, "nll", "brier")


def show_evaluation(evaluation: "Evaluation", draws: int, out: Console) -> None:
    """Print the table of targets, what must be known of it, and the figures of every set."""
    table = _table(f"{evaluation.modality} model {evaluation.card.model_id}", ("figure",))
    table.add_column("target", no_wrap=True)
    table.add_column("reached", overflow="fold", max_width=36)
    table.add_column("met", no_wrap=True)
    table.add_column("on", no_wrap=True)
    sets = list(dict.fromkeys(_where(target) for target in evaluation.targets if target.on is not None))
    for target in evaluation.targets:
        mark = {True: "[green]yes[/]", False: "[red]no[/]", None: ""}[target.met]
        number = "" if target.on is None else f"({sets.index(_where(target)) + 1})"
        table.add_row(target.figure, target.wanted, target.reached.replace("[", "\\["), mark, number)
    out.print(table)
    for i, where in enumerate(sets):
        out.print(f"({i + 1}) {where}", highlight=False, markup=False)
    for note in evaluation.notes:
        out.print(note, highlight=False)
    out.print(f"In brackets: 95 % of {draws} bootstrap draws of whole groups.", highlight=False, markup=False)
    if evaluation.outcomes:
        out.print(_sets(evaluation))
    if evaluation.points:
        out.print(_conditions(evaluation))


def show_comparisons(comparisons: "Sequence[Comparison]", out: Console) -> None:
    """Print one table per set: every run's figures, and the difference to the first with its interval."""
    for comparison in comparisons:
        title = f"{comparison.name}: {comparison.items} items, {comparison.groups}"
        table = _table(title, ("figure",))
        for column in comparison.columns:
            table.add_column(column.run, justify="right", overflow="fold")
            if column.against_first:
                table.add_column("difference, 95 %", justify="right", no_wrap=True)
        for name in COMPARED:
            table.add_row(name, *(cell for column in comparison.columns for cell in _cells(column, name)))
        out.print(table)
    out.print("* the interval leaves out zero", highlight=False)


def _cells(column: "Column", name: str) -> list[str]:
    cells = [f"{column.figures[name].value:.3f}"]
    for difference in column.against_first:
        if difference.figure == name:
            change = difference.second - difference.first
            mark = "*" if difference.clear else " "
            cells.append(f"{change:+.3f} \\[{difference.low:+.3f}, {difference.high:+.3f}]{mark}")
    return cells


def _where(target: "Target") -> str:
    on = target.on
    if on is None:
        return ""
    return f"{on.name}: {on.split}; {on.labels}; {target.items} items, {target.groups} {on.groups}"


def _sets(evaluation: "Evaluation") -> Table:
    from affectstream.lab.evaluation.figures import summary

    table = _table("every set", ("set", "items"), HEADS)
    for outcome in evaluation.outcomes:
        found = summary(outcome.after, outcome.labels)
        figures = (f"{found[name]:.3f}" for name in SHOWN)
        table.add_row(outcome.about.name, str(len(outcome.labels)), *figures)
    return table


def _conditions(evaluation: "Evaluation") -> Table:
    table = _table("under worse conditions", ("condition", "severity"), HEADS)
    for point in evaluation.points:
        severity = f"{point.severity:g} {point.unit}" if point.unit else ""
        table.add_row(point.condition, severity, *(f"{point.figures[name]:.3f}" for name in SHOWN))
    return table


def _table(title: str, left: Sequence[str], right: Sequence[str] = ()) -> Table:
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for name in left:
        table.add_column(name, overflow="fold")
    for name in right:
        table.add_column(name, justify="right")
    return table
