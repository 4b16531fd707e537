"""Evaluation of text weights on MELD and GoEmotions beyond their training sets."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from affectstream.lab.datasets.meld import read_meld
from affectstream.lab.evaluation import aims
from affectstream.lab.evaluation.degrade import SHARES_HEARD, WORD_ERROR_RATES, truncated, word_errors
from affectstream.lab.evaluation.figures import summary
from affectstream.lab.evaluation.given import Given, predicted
from affectstream.lab.evaluation.outcome import About, Aim, Evaluation, Outcome, Point
from affectstream.lab.statistics import Floats, uncalibrated
from affectstream.lab.text.corpus import goemotions_rows
from affectstream.models.text.model import TextModel
from affectstream.models.weights import Card, read_card
from affectstream.schemas.errors import InputError

CAST = ("Chandler", "Joey", "Monica", "Phoebe", "Rachel", "Ross")
TURNS = (2, 1, 0)
ROWS = 8  # texts in one pass
TIMED = 40
MOST_MS = 10
ROBUST_SHARE = 1 / 3
LAYOUT = "expected FOLDER/meld/dev_sent_emo.csv or test_sent_emo.csv, FOLDER/goemotions/dev.tsv or test.tsv"
EKMAN = "Ekman's classes by the authors' grouping; comments whose classes tie left out"


@dataclass(frozen=True)
class Said:
    """One labelled text."""

    text: str
    context: tuple[str, ...]
    label: int
    group: str
    speaker: str = ""


def evaluate(given: Given) -> Evaluation:
    """Return the evaluation of the text weights; raises InputError where no split is found."""
    card = read_card("text", given.weights)
    model = TextModel(rows=ROWS, folder=given.weights)
    model.load(given.device)
    outcomes: list[Outcome] = []
    points: tuple[Point, ...] = ()
    found = [(path, read(path)) for path in files(given)]
    where = aims.machine()
    speed = _speed(given, found[0][1])
    for path, whole in found:
        rows = whole[given.some(len(whole))]
        for turns in TURNS if is_meld(path) else (0,):
            outcomes.append(_outcome(given, model, card, path, rows, turns))
        if is_meld(path) and not points:
            points = _points(given, model, rows[given.some(len(rows), ROBUST_SHARE)])
    lines = [line for outcome in outcomes for line in _aims(outcome, given.draws)]
    if "held_ece" in card.figures:
        title = "ECE, dialogues held out of training"
        lines.append(aims.from_card(title, card.figures["held_ece"], aims.MOST_ECE, at_most=True))
    notes = (f"The time of one utterance was measured on {where}.",)
    return Evaluation(
        "text", card, tuple(outcomes), points, "weighted_f1", (*lines, speed), notes, given.command
    )


def files(given: Given) -> list[Path]:
    """Return the files to evaluate on: never those that training read."""
    if given.data is not None and given.data.is_file():
        if given.data.stem.split("_")[0] == "train":
            raise InputError(f"{given.data} is a training split: {LAYOUT}")
        return [given.data]
    found: dict[str, Path] = {}
    for corpus, ending in (("meld", "_sent_emo.csv"), ("goemotions", ".tsv")):
        for folder in given.folders(corpus):
            paths = (folder / f"{split}{ending}" for split in ("dev", "test"))
            found |= {path.name: path for path in paths if path.exists() and path.name not in found}
    if not found:
        raise InputError(f"no texts to evaluate on in {given.folders('')[-1]}: {LAYOUT}")
    return list(found.values())


def is_meld(path: Path) -> bool:
    """Tell MELD's files from those of GoEmotions."""
    return path.suffix == ".csv"


def read(path: Path) -> list[Said]:
    """Return the labelled texts of one file."""
    if not is_meld(path):
        return [Said(r.text, (), r.label, r.group) for r in goemotions_rows(path, once=False)]
    return [
        Said(u.text, u.context, u.label, u.group, u.speaker if u.speaker in CAST else "others")
        for u in read_meld(path)
    ]


def _probabilities(given: Given, model: TextModel, rows: Sequence[Said], turns: int, title: str) -> Floats:
    prepared = [model.prepare(r.text, r.context[-turns:] if turns else ()) for r in rows]
    return predicted(model.predict, prepared, title, given.progress)


def _outcome(
    given: Given, model: TextModel, card: Card, path: Path, rows: Sequence[Said], turns: int
) -> Outcome:
    meld, split = is_meld(path), path.stem.split("_")[0]
    first = turns == TURNS[0] or not meld
    about = About(
        f"MELD {split}, {turns} turns of context" if meld else f"GoEmotions {split}",
        "MELD" if meld else "GoEmotions",
        f"{split}, not trained on",
        "the seven of MELD" if meld else EKMAN,
        "dialogues" if meld else "comments",
        main=first,
        aims=first,
    )
    p = _probabilities(given, model, rows, turns, about.name)
    parts = {"speaker": tuple(r.speaker for r in rows)} if meld else {}
    labels = np.array([r.label for r in rows], dtype=np.int64)
    return Outcome(about, labels, tuple(r.group for r in rows), uncalibrated(p, card.temperature), p, parts)


def _points(given: Given, model: TextModel, rows: Sequence[Said]) -> tuple[Point, ...]:
    labels = np.array([r.label for r in rows], dtype=np.int64)
    vocabulary = sorted({word for row in rows for word in row.text.split()})

    def point(condition: str, severity: float, unit: str, worse: Sequence[Said]) -> Point:
        p = _probabilities(given, model, worse, TURNS[0], f"{condition} {severity:g}")
        return Point(condition, severity, unit, summary(p, labels), len(labels))

    def misheard(rate: float) -> list[Said]:
        rng = np.random.default_rng(0)

        def hear(text: str) -> str:
            return word_errors(text, rate, vocabulary, rng)

        return [replace(r, text=hear(r.text), context=tuple(map(hear, r.context))) for r in rows]

    points = [point("clean", 0, "", rows)]
    points += [
        point("word errors", rate, "word error rate, context too", misheard(rate))
        for rate in WORD_ERROR_RATES
    ]
    for share in SHARES_HEARD:
        worse = [replace(r, text=truncated(r.text, share)) for r in rows]
        points.append(point("truncation", share, "share of the words heard", worse))
    return tuple(points)


def _aims(outcome: Outcome, draws: int) -> Iterator[Aim]:
    meld = outcome.about.data == "MELD"
    turns = outcome.about.name.rpartition(", ")[2]
    name, figure = (f"weighted F1, {turns}", "weighted_f1") if meld else ("macro F1", "macro_f1")
    yield aims.at_least(name, outcome, figure, 0.6 if outcome.about.aims else None, draws)
    if outcome.about.aims:
        yield aims.calibrated(outcome)


def _speed(given: Given, rows: Sequence[Said]) -> Aim:
    model = TextModel(folder=given.weights)
    model.load(given.device)

    def one(row: Said) -> aims.Timing:
        return aims.timed(lambda: model.predict([model.prepare(row.text, row.context)]), 5)

    medians, shortest = zip(*(one(row) for row in rows[:TIMED]), strict=True)
    typical = aims.Timing(float(np.median(medians)), float(np.median(shortest)))
    return aims.faster("a typical utterance, its context included", typical, MOST_MS)
