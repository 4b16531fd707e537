"""Evaluation of text weights on MELD and GoEmotions beyond their training sets."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from affectstream.lab.datasets.texts import Row, goemotions_rows, labels_of, meld_rows
from affectstream.lab.evaluation import sentences, targets
from affectstream.lab.evaluation.degrade import SHARES_HEARD, WORD_ERROR_RATES, truncated, word_errors
from affectstream.lab.evaluation.figures import summary
from affectstream.lab.evaluation.outcome import About, Evaluation, Outcome, Point, Target
from affectstream.lab.evaluation.run import EvaluationRequest, predicted
from affectstream.lab.statistics import log, scaled, uncalibrated
from affectstream.models.protocol import Array
from affectstream.models.text.model import TextModel, temperatures_by_turns
from affectstream.models.weights import Card, read_card
from affectstream.schemas.errors import InputError

TURNS = (2, 1, 0)
ROWS = 8  # texts in one pass
TIMED = 40
MOST_MS = 10
ROBUST_SHARE = 1 / 3
LAYOUT = "expected FOLDER/meld/dev_sent_emo.csv or test_sent_emo.csv, FOLDER/goemotions/dev.tsv or test.tsv"
ON_CARD = {
    "held_ece": "ECE, dialogues of MELD train held out of training",
    "meld_dev_and_held_ece": "ECE, these and MELD dev together",
}
EKMAN = "Ekman's classes by the authors' grouping; comments whose classes tie left out"


def evaluate(request: EvaluationRequest) -> Evaluation:
    """Return the evaluation of the text weights; raises InputError where no split is found."""
    card = read_card("text", request.weights)
    model = TextModel(rows=ROWS, folder=request.weights)
    model.load(request.device)
    outcomes: list[Outcome] = []
    points: tuple[Point, ...] = ()
    found = [(path, read(path)) for path in files(request)]
    where = targets.machine()
    speed = _speed(request, found[0][1])
    for path, whole in found:
        rows = whole[request.some(len(whole))]
        for turns in TURNS if is_meld(path) else (0,):
            outcomes.append(_outcome(request, model, card, path, rows, turns))
        if is_meld(path) and not points:
            points = _points(request, model, rows[request.some(len(rows), ROBUST_SHARE)])
    lines = [line for outcome in outcomes for line in _targets(outcome, request.draws)]
    if request.data is None or not request.data.is_file():
        spoken = (*sentences.outcomes(model), sentences.on_corrections(model))
        outcomes += spoken
        lines += [line for outcome in spoken for line in sentences.targets(outcome, request.draws)]
    for name, title in ON_CARD.items():
        if name in card.figures:
            lines.append(targets.from_card(title, card.figures[name], targets.MOST_ECE, at_most=True))
    notes = (
        f"The time of one utterance was measured on {where}.",
        f"Temperatures: {', '.join(f'{t:.3f}' for t in temperatures_by_turns(card))} after no, one and two "
        "turns of context, for MELD, the stream and the sentences of calls; "
        f"{temperature_of_comments(card):.3f} for GoEmotions.",
    )
    return Evaluation(
        "text", card, tuple(outcomes), points, "weighted_f1", (*lines, speed), notes, request.command
    )


def files(request: EvaluationRequest) -> list[Path]:
    """Return the files to evaluate on: never those that training read."""
    if request.data is not None and request.data.is_file():
        if request.data.stem.split("_")[0] == "train":
            raise InputError(f"{request.data} is a training split: {LAYOUT}")
        return [request.data]
    found: dict[str, Path] = {}
    for corpus, ending in (("meld", "_sent_emo.csv"), ("goemotions", ".tsv")):
        for folder in request.folders(corpus):
            paths = (folder / f"{split}{ending}" for split in ("dev", "test"))
            found |= {path.name: path for path in paths if path.exists() and path.name not in found}
    if not found:
        raise InputError(f"no texts to evaluate on in {request.folders('')[-1]}: {LAYOUT}")
    return list(found.values())


def is_meld(path: Path) -> bool:
    """Tell MELD's files from those of GoEmotions."""
    return path.suffix == ".csv"


def read(path: Path) -> list[Row]:
    """Return the labelled texts of one file."""
    return meld_rows(path) if is_meld(path) else goemotions_rows(path, once=False)


def temperature_of_comments(card: Card) -> float:
    """Return the temperature of GoEmotions: the stream's without context where the card names none."""
    return float(card.config.get("temperatures", {}).get("GoEmotions", temperatures_by_turns(card)[0]))


def prepared_with(model: TextModel, rows: Sequence[Row], turns: int) -> list[Array]:
    """Return ``rows`` with at most ``turns`` of their context as ``model`` reads them."""
    return [model.prepare(r.text, r.context[-turns:] if turns else ()) for r in rows]


def _outcome(
    request: EvaluationRequest, model: TextModel, card: Card, path: Path, rows: Sequence[Row], turns: int
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
        judged=first,
    )
    prepared = prepared_with(model, rows, turns)
    p = predicted(model.predict, prepared, about.name, request.progress)
    parts = {"speaker": tuple(r.speaker for r in rows)} if meld else {}
    labels = labels_of(rows)
    before = uncalibrated(p, model.temperatures(prepared))
    after = p if meld else scaled(log(before), temperature_of_comments(card))
    return Outcome(about, labels, tuple(r.group for r in rows), before, after, parts)


def _points(request: EvaluationRequest, model: TextModel, rows: Sequence[Row]) -> tuple[Point, ...]:
    labels = labels_of(rows)
    vocabulary = sorted({word for row in rows for word in row.text.split()})

    def point(condition: str, severity: float, unit: str, worse: Sequence[Row]) -> Point:
        prepared, title = prepared_with(model, worse, TURNS[0]), f"{condition} {severity:g}"
        p = predicted(model.predict, prepared, title, request.progress)
        return Point(condition, severity, unit, summary(p, labels), len(labels))

    def misheard(rate: float) -> list[Row]:
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


def _targets(outcome: Outcome, draws: int) -> Iterator[Target]:
    meld = outcome.about.data == "MELD"
    turns = outcome.about.name.rpartition(", ")[2]
    name, figure = (f"weighted F1, {turns}", "weighted_f1") if meld else ("macro F1", "macro_f1")
    yield targets.at_least(name, outcome, figure, 0.6 if outcome.about.judged else None, draws)
    if outcome.about.judged:
        yield targets.calibrated(outcome)


def _speed(request: EvaluationRequest, rows: Sequence[Row]) -> Target:
    model = TextModel(folder=request.weights)
    model.load(request.device)

    def one(row: Row) -> targets.Timing:
        return targets.timed(lambda: model.predict([model.prepare(row.text, row.context)]), 5)

    medians, shortest = zip(*(one(row) for row in rows[:TIMED]), strict=True)
    typical = targets.Timing(float(np.median(medians)), float(np.median(shortest)))
    return targets.faster("a typical utterance, its context included", typical, MOST_MS)
