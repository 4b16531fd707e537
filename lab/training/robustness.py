"""Robustness of a run: its figures on degraded test rows."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.progress import track
from torch import Tensor, nn

from affectstream.lab.evaluation.figures import summary
from affectstream.lab.evaluation.outcome import Point
from affectstream.lab.statistics import Floats, scaled
from affectstream.lab.training import classical, corruptions
from affectstream.lab.training.catalogue import Network, Pipelined
from affectstream.lab.training.corpus import Corpus, Corrupted, Indices, Rows
from affectstream.lab.training.files import WEIGHTS, weights
from affectstream.lab.training.memory import Inputs
from affectstream.lab.training.recipe import Recipe
from affectstream.lab.training.result import Tested
from affectstream.lab.training.task import Material

MOST = 400  # rows, since some thirty conditions are measured on them


def of_network(
    chosen: Network, recipe: Recipe, corpus: Corpus, material: Material, folder: Path, tested: list[Tested]
) -> tuple[Point, ...]:
    """Return the figures of the networks in ``folder`` on degraded test rows, by their own part each.

    Shipped networks whose rows are not in memory have none here: affectstream evaluate measures theirs.
    """
    if not isinstance(material, Inputs):
        return ()
    rows, parts = some(corpus), [part for part in corpus.parts if len(part.test)]
    networks = [_network(chosen, recipe, material, folder / part.name) for part in parts]

    def p(stored: Tensor) -> Floats:
        found = np.zeros((len(rows), 7))
        given = replace(material, stored=stored)
        for network, part, of_part in zip(networks, parts, tested, strict=True):
            mine = np.flatnonzero(np.isin(rows, part.test))
            if len(mine):
                found[mine] = scaled(given.logits(network, mine, recipe), of_part.temperature)
        return found

    clean = material.stored[rows]
    made = corruptions.faces(clean) if material.corrupted is None else material.corrupted(rows)
    return _points(clean, made, corpus.labels[rows], p)


def _network(chosen: Network, recipe: Recipe, material: Material, folder: Path) -> nn.Module:
    network = chosen.build(recipe, material)
    network.load_state_dict(weights(folder / WEIGHTS))
    return network.to(recipe.device)


def of_pipeline(
    chosen: Pipelined, recipe: Recipe, corpus: Corpus, texts: tuple[str, ...], tested: list[Tested]
) -> tuple[Point, ...]:
    """Return the figures of a TF-IDF pipeline, fitted again, on tested texts degraded."""
    rows = some(corpus)
    pipeline = classical.fitted(chosen.pipeline, recipe, corpus, texts, corpus.parts[0])

    def p(given: list[str]) -> Floats:
        logits = classical.logits(pipeline, given)
        return scaled(logits, tested[0].temperature)

    clean = [texts[i] for i in rows]
    return _points(clean, corruptions.words(clean), corpus.labels[rows], p)


def some(corpus: Corpus) -> Indices:
    """Return at most MOST tested rows, evenly taken."""
    rows = np.sort(np.concatenate([part.test for part in corpus.parts]))
    return rows[:: -(-len(rows) // MOST)]


def _points(
    clean: Rows, made: Iterable[Corrupted[Rows]], labels: Indices, p: Callable[[Rows], Floats]
) -> tuple[Point, ...]:
    points = [Point("clean", 0, "", summary(p(clean), labels), len(labels))]
    for one in track(made, "degraded rows", transient=True):
        figures = summary(p(one.rows), labels)
        points.append(Point(one.condition, one.severity, one.unit, figures, len(labels)))
    return tuple(points)
