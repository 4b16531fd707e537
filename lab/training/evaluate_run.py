"""Evaluation of a finished run on other data than it was trained on."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from affectstream.lab.datasets.files import corpora
from affectstream.lab.evaluation.outcome import Evaluation
from affectstream.lab.statistics import Floats, scaled
from affectstream.lab.training import classical
from affectstream.lab.training.catalogue import Network, Pipelined, network_named
from affectstream.lab.training.corpus import Corpus, Indices
from affectstream.lab.training.files import WEIGHTS, weights
from affectstream.lab.training.loop import require_device
from affectstream.lab.training.recipe import RECIPE, Recipe, read_recipe
from affectstream.lab.training.result import (
    LOGITS,
    Tested,
    evaluated,
    kept,
    outcome_of,
    read_run_card,
)
from affectstream.lab.training.tasks.utterances import utterances, utterances_to_judge
from affectstream.schemas.errors import InputError


def evaluate_run(folder: Path, data: Path, device: str = "cpu") -> Evaluation:
    """Return what the run in ``folder`` reaches on the labelled ``data``; groups it has seen are left out.

    Where the run has several parts, their probabilities are averaged. A TF-IDF pipeline keeps no weights: it
    is fitted again on the corpora of AFFECT_DATA. Raises InputError where nothing is left.
    """
    card, recipe = read_run_card(folder), read_recipe(folder / RECIPE).model_copy(update={"device": device})
    require_device(device)
    chosen = network_named(recipe.network)
    if chosen.modality == "face" and data.stem == "train":  # faces carry no group that would tell
        raise InputError(f"{data} is the training split: give faces that the run has not seen")
    tested = [kept(part) for part in _parts(folder)]
    if isinstance(chosen, Pipelined):
        corpus, rows, logits = _refitted(chosen, recipe, data, tested)
    else:
        corpus, rows, logits = _networks(chosen, recipe, data, folder, tested)
    before = np.mean([scaled(found) for found in logits], axis=0)
    both = zip(logits, tested, strict=True)
    after = np.mean([scaled(found, part.temperature) for found, part in both], axis=0)
    outcome = outcome_of(corpus, rows, before, after)
    return evaluated(card, recipe, outcome, (), f"affectstream evaluate {folder.name} --data {data.name}")


def _parts(folder: Path) -> list[Path]:
    return sorted(path.parent for path in folder.glob(f"**/{LOGITS}"))


def _networks(
    chosen: Network, recipe: Recipe, data: Path, folder: Path, tested: Sequence[Tested]
) -> tuple[Corpus, Indices, list[Floats]]:
    """Return the unseen rows of ``data`` and the logits of them by the network of each part."""
    if chosen.judge is None:
        raise InputError(f"{folder} is a run of the shipped network: ship it, and evaluate its weights")
    corpus, material = chosen.judge(data, recipe, folder / "judged")
    parts = _parts(folder)
    rows = _unseen(corpus, tested, data)
    logits = []
    for part in parts:
        network = chosen.build(recipe, material)
        network.load_state_dict(weights(part / WEIGHTS))
        logits.append(material.logits(network.to(recipe.device), rows, recipe))
    return corpus, rows, logits


def _refitted(
    chosen: Pipelined, recipe: Recipe, data: Path, tested: Sequence[Tested]
) -> tuple[Corpus, Indices, list[Floats]]:
    """Return the unseen rows of ``data`` and their logits, once the refitted pipeline is the run's own."""
    corpus, asked = utterances_to_judge(data, recipe)
    rows = _unseen(corpus, tested, data)
    trained_on = corpora()
    learnt, texts = utterances(trained_on, recipe)
    part = learnt.parts[0]
    pipeline = classical.fitted(chosen.pipeline, recipe, learnt, texts, part)
    again = classical.logits(pipeline, [texts[i] for i in part.test])
    if again.shape != tested[0].test.shape or not np.allclose(again, tested[0].test, atol=1e-6):
        raise InputError(
            f"{trained_on} is not what the run learnt from: a TF-IDF pipeline keeps no weights and is fitted "
            "again, so point AFFECT_DATA to the corpora that it was trained on"
        )
    return corpus, rows, [classical.logits(pipeline, [asked[i] for i in rows])]


def _unseen(corpus: Corpus, tested: Sequence[Tested], data: Path) -> Indices:
    """Return the rows to test of groups that no part has learnt from; raises InputError for none."""
    seen = frozenset().union(*(part.learnt for part in tested))
    rows = np.array([i for i in corpus.parts[0].test if corpus.groups[i] not in seen], dtype=np.int64)
    if not len(rows):
        raise InputError(f"the run has learnt from every group in {data}: give data that it has not seen")
    return rows
