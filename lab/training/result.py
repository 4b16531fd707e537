"""Results of a run: the predictions of its parts as one outcome, its card."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from pydantic import TypeAdapter, ValidationError

from affectstream.lab.evaluation import targets
from affectstream.lab.evaluation.figures import summary
from affectstream.lab.evaluation.outcome import Evaluation, Outcome, Point, of_run
from affectstream.lab.evaluation.tasks.face import OWN_LABELS_LEAST
from affectstream.lab.statistics import Floats, fit_temperature, scaled
from affectstream.lab.training.corpus import Corpus, Indices
from affectstream.lab.training.files import WEIGHTS, arrays, whole
from affectstream.lab.training.recipe import RECIPE, Recipe, VoiceRecipe, read_recipe
from affectstream.models.weights import Card
from affectstream.schemas.errors import InputError
from affectstream.schemas.labels import EMOTIONS

LOGITS, CARD, POINTS = "logits.npz", "card.json", "points.json"
POINTS_IN = TypeAdapter(tuple[Point, ...])
CHOSEN = "The best epoch was chosen on it too."
FLIPPED = "The logits of each face and of its mirror image are averaged."


@dataclass(frozen=True)
class Tested:
    """The logits (n, 7) of the test rows of one part, and its temperature."""

    test: Floats
    temperature: float
    learnt: frozenset[str]  # groups that it has seen


def kept(folder: Path) -> Tested:
    """Return what ``folder`` keeps of one part."""
    found = arrays(folder / LOGITS)
    learnt = frozenset(map(str, found["learnt"])) if "learnt" in found else frozenset()
    return Tested(found["test"].astype(np.float64), float(found["temperature"].astype(float)), learnt)


def across(corpus: Corpus, tested: Sequence[Tested]) -> list[Tested]:
    """Return ``tested``; a part that held nothing out gets the temperature of the other parts' test rows."""
    found = []
    for i, (part, mine) in enumerate(zip(corpus.parts, tested, strict=True)):
        others = [k for k, other in enumerate(corpus.parts) if k != i and len(other.test)]
        if len(part.test) and not len(part.held) and others:
            logits = np.concatenate([tested[k].test for k in others])
            labels = np.concatenate([corpus.labels[corpus.parts[k].test] for k in others])
            mine = replace(mine, temperature=fit_temperature(logits, labels))
        found.append(mine)
    return found


def evaluation(
    modality: str,
    recipe: Recipe,
    corpus: Corpus,
    tested: Sequence[Tested],
    points: tuple[Point, ...],
    folder: Path,
) -> Evaluation:
    """Return the evaluation of all parts together, and keep its card in ``folder``."""
    rows = np.concatenate([part.test for part in corpus.parts])
    order = np.argsort(rows)
    before = np.concatenate([scaled(part.test) for part in tested])[order]
    after = np.concatenate([scaled(part.test, part.temperature) for part in tested])[order]
    outcome = outcome_of(corpus, rows[order], before, after)
    temperature = float(np.mean([part.temperature for part in tested if len(part.test)]))
    card = _card(modality, recipe, outcome, temperature, folder)
    (folder / CARD).write_text(json.dumps(card.model_dump(mode="json"), indent=2) + "\n", encoding="utf-8")
    return evaluated(
        card, recipe, outcome, points, f"affectstream train {modality} --recipe {RECIPE} -o {folder.name}"
    )


def outcome_of(corpus: Corpus, rows: Indices, before: Floats, after: Floats) -> Outcome:
    """Return the predictions (rows, 7) of ``rows`` with their groups and what is known of them."""
    known = {kind: tuple(values[i] for i in rows) for kind, values in corpus.known.items()}
    groups = tuple(corpus.groups[i] for i in rows)
    return Outcome(corpus.about, corpus.labels[rows], groups, before, after, known)


def write_points(points: tuple[Point, ...], folder: Path) -> None:
    """Keep what the run in ``folder`` reaches on worse input."""
    text = json.dumps([asdict(point) for point in points], indent=1)
    whole(folder / POINTS, lambda path: path.write_text(text + "\n", encoding="utf-8"))


def read_points(folder: Path) -> tuple[Point, ...]:
    """Return the points kept in ``folder``, none where none were measured; InputError for a broken file."""
    path = folder / POINTS
    try:
        return POINTS_IN.validate_json(path.read_bytes()) if path.exists() else ()
    except (OSError, ValidationError) as error:
        raise InputError(f"{path} is broken: delete it, and affectstream train makes it again") from error


def evaluated(
    card: Card, recipe: Recipe, outcome: Outcome, points: tuple[Point, ...], command: str
) -> Evaluation:
    """Return the evaluation of one outcome, with what is asked of the best reference network."""
    wanted = OWN_LABELS_LEAST if recipe.labels == "fer2013" else None
    lines = (
        targets.at_least("accuracy", outcome, "accuracy", wanted),
        targets.at_least("UAR", outcome, "uar", None),
        targets.at_least("macro F1", outcome, "macro_f1", None),
    )
    fitted = "the other folds" if isinstance(recipe, VoiceRecipe) else "a held-out part of the training data"
    notes = [f"The temperature was fitted on {fitted}."]
    notes += [CHOSEN] if recipe.epochs > 1 and recipe.watch != "last" else []
    notes += [FLIPPED] if card.modality == "face" else []
    return Evaluation(card.modality, card, (outcome,), points, "accuracy", lines, tuple(notes), command)


def kept_evaluation(folder: Path) -> Evaluation:
    """Return the evaluation that the run in ``folder`` ended with; raises InputError where it did not end."""
    card = read_run_card(folder)
    recipe = read_recipe(folder / RECIPE)
    command = f"affectstream evaluate {folder.name}"
    return evaluated(card, recipe, of_run(folder)[0], read_points(folder), command)


def read_run_card(folder: Path) -> Card:
    """Return the card of a finished run; raises InputError where there is none."""
    try:
        return Card.model_validate_json((folder / CARD).read_bytes())
    except (OSError, ValidationError) as error:
        raise InputError(
            f"{folder} is no finished run of a network: {CARD} is missing or broken; "
            "affectstream train face|voice|text -o FOLDER makes one"
        ) from error


def _card(modality: str, recipe: Recipe, outcome: Outcome, temperature: float, folder: Path) -> Card:
    figures = summary(outcome.after, outcome.labels)
    digest = hashlib.sha256()
    for path in sorted(folder.glob(f"**/{WEIGHTS}")):
        digest.update(path.read_bytes())
    return Card(
        model_id=f"{recipe.network}/{recipe.labels}",
        modality=modality,
        labels=EMOTIONS,
        temperature=temperature,
        sha256=digest.hexdigest(),
        licence="that of the data",
        data=(outcome.about.data,),
        trust=figures["uar"],
        config=json.loads(recipe.model_dump_json()),
        figures=figures,
    )
