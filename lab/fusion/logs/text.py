"""Recorded probabilities of the shipped text model on held-out texts, clean and degraded.

The texts are MELD's development set, the dialogues of MELD's training set that training held out, and at
most 150 comments of each class of the development set of GoEmotions.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from affectstream.lab.datasets.texts import Row, capped, goemotions_rows, hold_out, labels_of, meld_rows
from affectstream.lab.evaluation.degrade import truncated, word_errors
from affectstream.lab.fusion.logs.items import CLEAN, ProbabilityLog
from affectstream.lab.training.recipe import shipped_recipe
from affectstream.models.text.language import text_quality, words_in
from affectstream.models.text.model import TextModel
from affectstream.models.text.tokenise import is_speech

Hear = Callable[[str], str]

ERROR_RATES = (0.2, 0.4)
HALF = "first half of the words"
ROWS = 16  # texts in one pass
MOST_COMMENTS = 150  # of one class: a comment stands in only where a dialogue has none of the class


def logs(folder: Path, model: TextModel) -> list[ProbabilityLog]:
    """Return what a loaded ``model`` says about each set under ``folder``; raises InputError."""
    meld, comments = folder / "meld", folder / "goemotions"
    what = {
        "MELD train, held out": held_out(meld / "train_sent_emo.csv"),
        "MELD dev": meld_rows(meld / "dev_sent_emo.csv"),
        "GoEmotions dev": capped(goemotions_rows(comments / "dev.tsv"), MOST_COMMENTS, seed=0),
    }
    kept = {name: [row for row in rows if is_speech(row.text)] for name, rows in what.items()}
    return [_log(name, rows, model) for name, rows in kept.items()]


def held_out(path: Path) -> list[Row]:
    """Return the utterances of the dialogues of MELD's training set that no weights were fitted on.

    The share and the seed are those of the shipped recipe.
    """
    recipe = shipped_recipe("text")
    return hold_out(meld_rows(path), recipe.held_out, recipe.seed)[1]


def _log(name: str, rows: Sequence[Row], model: TextModel) -> ProbabilityLog:
    vocabulary = sorted({word for row in rows for word in row.text.split()})
    said = [_said(model, rows, hear) for hear in _conditions(vocabulary).values()]
    p, quality, embeddings = (np.stack(part) for part in zip(*said, strict=True))
    chosen = " (held out for the temperature and the choice of weights)" if "held" in name else ""
    return ProbabilityLog(
        "text",
        name,
        f"Text: {model.model_id} on {len(rows)} texts of {name}{chosen}, not trained on, with the turns "
        "before them where the corpus has dialogues.",
        tuple(_conditions(vocabulary)),
        p,
        np.ones(p.shape[:2], np.bool_),
        quality,
        labels_of(rows),
        np.array([row.group for row in rows]),
        np.array([f"{name} {i}" for i in range(len(rows))]),
        embeddings,
    )


def _conditions(vocabulary: Sequence[str]) -> dict[str, Hear]:
    conditions: dict[str, Hear] = {CLEAN: lambda text: text}
    for rate in ERROR_RATES:
        conditions[f"word error rate {rate:.0%}".replace("%", " %")] = _misheard(rate, vocabulary)
    return conditions | {HALF: lambda text: truncated(text, 0.5)}


def _misheard(rate: float, vocabulary: Sequence[str]) -> Hear:
    rng = np.random.default_rng(0)
    return lambda text: word_errors(text, rate, vocabulary, rng)


def _said(
    model: TextModel, rows: Sequence[Row], hear: Hear
) -> tuple[np.ndarray[tuple[int, ...], np.dtype[np.floating]], ...]:
    heard = [replace(row, text=hear(row.text), context=tuple(map(hear, row.context))) for row in rows]
    prepared = [model.prepare(row.text, row.context) for row in heard]
    predictions = model.predict(prepared)
    assert predictions.embeddings is not None
    quality = [text_quality(words_in(row.text), model.known_share(row.text)) for row in heard]
    return predictions.p, np.array(quality), predictions.embeddings
