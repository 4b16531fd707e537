"""The report of one model, put together from its figures and plots."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from affectstream.lab import statistics
from affectstream.lab.bootstrap import DRAWS, Interval, intervals
from affectstream.lab.evaluation import document, figures, plots
from affectstream.lab.evaluation.document import Block, Bullets, Command, Heading, Paragraph, Picture, Table
from affectstream.lab.evaluation.outcome import SUFFIX, Evaluation, Outcome, Target, save
from affectstream.schemas.errors import InputError

SHOWN = ("accuracy", "uar", "macro_f1", "weighted_f1", "nll", "brier", "ece")
MORE = ("top_2", "kappa", "roc_auc", "pr_auc", "aurc", "ece_adaptive")
COVERAGES = (1.0, 0.9, 0.8, 0.6, 0.4)
TARGET_COLUMNS = ("figure", "target", "reached", "met", "data", "split", "labels", "items", "groups")


def write(evaluation: Evaluation, folder: Path, draws: int = DRAWS) -> tuple[Path, ...]:
    """Write MODALITY-report.md and .html, plots, figures and predictions; return the paths.

    Raises InputError where ``folder`` cannot be written to.
    """
    try:
        return _write(evaluation, folder, draws)
    except OSError as error:
        raise InputError(f"cannot write the report into {folder}: {error.strerror}") from error


def _write(evaluation: Evaluation, folder: Path, draws: int) -> tuple[Path, ...]:
    folder.mkdir(parents=True, exist_ok=True)
    name = evaluation.modality
    built = list(blocks(evaluation, draws))
    paths = tuple(folder / f"{name}{end}" for end in ("-report.md", "-report.html", "-figures.json", SUFFIX))
    (folder / "plots").mkdir(exist_ok=True)
    for picture in document.pictures(built):
        (folder / "plots" / picture.name).write_bytes(picture.png)
    paths[0].write_text(document.markdown(built, "plots"), encoding="utf-8")
    paths[1].write_text(document.html(built, f"{evaluation.card.model_id}: report"), encoding="utf-8")
    numbers = {o.about.name: figures.summary(o.after, o.labels) for o in evaluation.outcomes}
    paths[2].write_text(json.dumps(numbers, indent=2) + "\n", encoding="utf-8")
    save(evaluation.outcomes, paths[3])
    return paths


def blocks(evaluation: Evaluation, draws: int = DRAWS) -> Iterator[Block]:
    """Yield the document."""
    card = evaluation.card
    yield Heading(f"The {evaluation.modality} model {card.model_id}", 1)
    yield Paragraph(
        f"Trained on {', '.join(card.data)}. Licence: {card.licence}. Temperature {card.temperature:.3f}. "
        f"Weights {card.sha256[:16]}."
    )
    yield Command(evaluation.command)
    yield Heading("Targets")
    yield Table(TARGET_COLUMNS, tuple(target_cells(target) for target in evaluation.targets))
    if evaluation.notes:
        yield Bullets(evaluation.notes)
    yield Heading("All sets")
    yield Paragraph(
        f"In brackets the 95 % interval of {draws} bootstrap draws of whole groups. UAR and macro F1 are "
        "over the classes that occur; ECE over 15 equal bins of the top probability, after the temperature; "
        "without an interval, because redrawing adds noise to every bin and so raises it."
    )
    yield _sets(evaluation, draws)
    for i, outcome in enumerate(o for o in evaluation.outcomes if o.about.main):
        yield from _chapter(outcome, f"{evaluation.modality}-{i + 1}.png")
    if evaluation.points:
        yield from _robustness(evaluation)


def target_cells(target: Target) -> tuple[str, ...]:
    """Return the cells of one line of the table of targets, as TARGET_COLUMNS name them."""
    met = {True: "yes", False: "no", None: ""}[target.met]
    where = (target.on.data, target.on.split, target.on.labels) if target.on else ("", "", "")
    groups = f"{target.groups} {target.on.groups}" if target.on else ""
    return (
        target.figure,
        target.wanted,
        target.reached,
        met,
        *where,
        str(target.items) if target.on else "",
        groups,
    )


def shown(interval: Interval) -> str:
    """Return a figure with its interval."""
    return f"{interval.value:.3f} [{interval.low:.3f}, {interval.high:.3f}]"


def _sets(evaluation: Evaluation, draws: int) -> Table:
    rows = []
    for outcome in evaluation.outcomes:
        found = intervals(outcome, draws)
        groups = f"{len(set(outcome.groups))} {outcome.about.groups}"
        cells = (*(shown(found[name]) for name in SHOWN[:-1]), f"{found['ece'].value:.3f}")
        rows.append((outcome.about.name, str(len(outcome.labels)), groups, *cells))
    return Table(("set", "items", "groups", *map(_title, SHOWN)), tuple(rows))


def _chapter(outcome: Outcome, picture: str) -> Iterator[Block]:
    about = outcome.about
    yield Heading(about.name)
    yield Paragraph(f"{about.data}; {about.split}; labels: {about.labels}.")
    yield Picture(picture, f"Confusion matrix and curves of {about.name}", plots.overview(outcome))
    yield _before_and_after(outcome)
    yield _classes(outcome)
    yield _coverages(outcome)
    parts = figures.part_rows(outcome)
    if parts:
        yield Heading(f"Parts of {about.name}", 3)
        yield Table(
            ("part", "items", about.groups, "accuracy", "UAR", "macro F1", "ECE"),
            tuple(
                (
                    f"{p.kind}: {p.value}",
                    str(p.n),
                    str(p.groups),
                    *_three((p.accuracy, p.uar, p.macro_f1, p.ece)),
                )
                for p in parts
            ),
        )


def _before_and_after(outcome: Outcome) -> Table:
    names = (*SHOWN, *MORE)
    rows = []
    for title, p in (("before the temperature", outcome.before), ("after", outcome.after)):
        found = figures.summary(p, outcome.labels)
        rows.append((title, *_three(found[name] for name in names)))
    return Table(("", *map(_title, names)), tuple(rows))


def _classes(outcome: Outcome) -> Table:
    said = outcome.after.argmax(axis=1)
    receiver = {c.emotion: f"{c.area:.3f}" for c in figures.roc(outcome.after, outcome.labels)}
    precise = {c.emotion: f"{c.area:.3f}" for c in figures.precision_recall(outcome.after, outcome.labels)}
    rows = tuple(
        (
            row.emotion,
            str(row.support),
            *_three((row.precision, row.recall, row.f1)),
            receiver.get(row.emotion, ""),
            precise.get(row.emotion, ""),
        )
        for row in statistics.per_class(outcome.labels, said)
    )
    return Table(("emotion", "items", "precision", "recall", "F1", "ROC area", "PR area"), rows)


def _coverages(outcome: Outcome) -> Table:
    curve = figures.risk_coverage(outcome.after, outcome.labels)
    cells = (f"{figures.risk_at(curve, coverage):.3f}" for coverage in COVERAGES)
    return Table(("share answered, the surest first", *(f"{c:.0%}" for c in COVERAGES)), (("error", *cells),))


def _robustness(evaluation: Evaluation) -> Iterator[Block]:
    clean = [p for p in evaluation.points if p.condition == "clean"]
    worse = [p for p in evaluation.points if p.condition != "clean"]
    yield Heading("Under worse conditions")
    yield Paragraph(
        f"On {clean[0].items:,} items of the first set, evenly taken; the dashed line is the same items "
        "as they are."
    )
    picture = plots.robustness(worse, evaluation.curve, clean[0].figures[evaluation.curve])
    yield Picture(
        f"{evaluation.modality}-robustness.png", f"{evaluation.curve} by condition and severity", picture
    )
    names = (*SHOWN, *(name for name in ("quality",) if name in clean[0].figures))
    rows = tuple(
        (
            p.condition,
            f"{p.severity:g} {p.unit}" if p.unit else "",
            *_three(p.figures[name] for name in names),
        )
        for p in (*clean, *worse)
    )
    yield Table(("condition", "severity", *map(_title, names)), rows)


def _three(values: Iterable[float]) -> tuple[str, ...]:
    return tuple(f"{value:.3f}" for value in values)


def _title(name: str) -> str:
    upper = ("uar", "nll", "ece", "aurc", "roc_auc", "pr_auc")
    words = name.replace("_", " ").replace("f1", "F1").replace("brier", "Brier").replace("ece ", "ECE ")
    return words.upper() if name in upper else words
