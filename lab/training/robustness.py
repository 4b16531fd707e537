"""What a run reaches on worse input, kept in its folder."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.progress import track
from scipy.special import softmax
from torch import Tensor

from affectstream.lab.evaluation.figures import summary
from affectstream.lab.evaluation.outcome import Point
from affectstream.lab.statistics import Floats
from affectstream.lab.training import classical, worse
from affectstream.lab.training.corpus import Corpus, Indices, Inputs, Rows, Worse
from affectstream.lab.training.files import weights
from affectstream.lab.training.loop import logits_of
from affectstream.lab.training.networks import Pipelined, Reference
from affectstream.lab.training.recipe import Recipe
from affectstream.lab.training.result import WEIGHTS, Tested

MOST = 400  # rows, since some thirty conditions are measured on them


def of_network(
    chosen: Reference, recipe: Recipe, corpus: Corpus, inputs: Inputs, folder: Path, tested: list[Tested]
) -> tuple[Point, ...]:
    """Return the figures of the networks in ``folder`` on tested rows made worse, by their own part each."""
    rows = some(corpus)
    networks = []
    for part in corpus.parts:
        network = chosen.build(recipe, inputs)
        network.load_state_dict(weights(folder / part.name / WEIGHTS))
        networks.append(network.to(recipe.device))

    def p(stored: Tensor) -> Floats:
        found = np.zeros((len(rows), 7))
        given = replace(inputs, stored=stored)
        for network, part, of_part in zip(networks, corpus.parts, tested, strict=True):
            mine = np.flatnonzero(np.isin(rows, part.test))
            if len(mine):
                logits = logits_of(network, given, mine, recipe.epochs - 1, recipe)
                found[mine] = softmax(logits / of_part.temperature, axis=1)
        return found

    clean = inputs.stored[rows]
    made = inputs.worse(rows) if inputs.worse is not None else worse.faces(clean)
    return _points(clean, made, corpus.labels[rows], p)


def of_pipeline(
    chosen: Pipelined, recipe: Recipe, corpus: Corpus, texts: tuple[str, ...], tested: list[Tested]
) -> tuple[Point, ...]:
    """Return the figures of a TF-IDF pipeline, fitted again, on tested texts made worse."""
    rows = some(corpus)
    pipeline = classical.fitted(chosen.pipeline, recipe, corpus, texts, corpus.parts[0])

    def p(given: list[str]) -> Floats:
        logits = classical.logits(pipeline, given)
        return np.asarray(softmax(logits / tested[0].temperature, axis=1))

    clean = [texts[i] for i in rows]
    return _points(clean, worse.words(clean), corpus.labels[rows], p)


def some(corpus: Corpus) -> Indices:
    """Return at most MOST tested rows, evenly taken."""
    rows = np.sort(np.concatenate([part.test for part in corpus.parts]))
    return rows[:: -(-len(rows) // MOST)]


def _points(
    clean: Rows, made: Iterable[Worse[Rows]], labels: Indices, p: Callable[[Rows], Floats]
) -> tuple[Point, ...]:
    points = [Point("clean", 0, "", summary(p(clean), labels), len(labels))]
    for one in track(made, "worse conditions", transient=True):
        figures = summary(p(one.rows), labels)
        points.append(Point(one.condition, one.severity, one.unit, figures, len(labels)))
    return tuple(points)
