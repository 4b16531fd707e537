"""A run: a folder with its recipe, weights, temperature, predictions and report."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]
from torch import nn

from affectstream.lab.datasets.files import corpora
from affectstream.lab.evaluation import report as reports
from affectstream.lab.evaluation.outcome import Evaluation
from affectstream.lab.statistics import Floats, fit_temperature
from affectstream.lab.training import classical, robustness
from affectstream.lab.training.catalogue import Network, Pipelined, network_named
from affectstream.lab.training.corpus import Corpus, Indices, Part
from affectstream.lab.training.files import FEATURES, WEIGHTS, weights, whole
from affectstream.lab.training.loop import Report, require_device, train
from affectstream.lab.training.memory import Inputs, class_weights
from affectstream.lab.training.recipe import RECIPE, Recipe, read_recipe, write_recipe
from affectstream.lab.training.result import (
    LOGITS,
    POINTS,
    Tested,
    across,
    evaluation,
    kept,
    read_points,
    write_points,
)
from affectstream.lab.training.task import Material
from affectstream.lab.training.tasks.utterances import utterances
from affectstream.schemas.errors import InputError

# trains in a folder, and returns what gives the logits of rows
Fit = Callable[[Part, Path], Callable[[Indices], Floats]]


def run(recipe: Recipe, given: Path | None, folder: Path, report: Report) -> Evaluation:
    """Train every part that is not yet trained in ``folder``, predict the test rows and write the report."""
    chosen = network_named(recipe.network)
    require_device(recipe.device)
    data = corpora(given)
    keep(recipe, folder)
    torch.set_num_threads(recipe.threads)
    threadpool_limits(recipe.threads)  # of NumPy's products
    if isinstance(chosen, Pipelined):
        corpus, texts = utterances(data, recipe)
        fit = _pipeline(chosen, recipe, corpus, texts)
        measure = partial(robustness.of_pipeline, chosen, recipe, corpus, texts)
    else:
        corpus, material = chosen.prepare(data, recipe, folder.parent / FEATURES)
        fit = _network(chosen, recipe, corpus, material, report)
        measure = partial(robustness.of_network, chosen, recipe, corpus, material, folder)
    report(f"{corpus.about.name}: {corpus.about.split}")
    tested = across(corpus, [_part(corpus, part, folder / part.name, fit, report) for part in corpus.parts])
    if not (folder / POINTS).exists():
        write_points(measure(tested), folder)
    found = evaluation(chosen.modality, recipe, corpus, tested, read_points(folder), folder)
    reports.write(found, folder)
    return found


def keep(recipe: Recipe, folder: Path) -> None:
    """Write the recipe into ``folder``; raises InputError where something is trained by another one there.

    A start that failed before anything was trained, on a wrong path say, does not keep its recipe.
    """
    path = folder / RECIPE
    trained = path.exists() and any(kept.suffix not in (".json", ".jsonl") for kept in folder.iterdir())
    if trained and read_recipe(path) != recipe:
        raise InputError(f"{path} is another recipe: take a new folder, or go on with --recipe {path}")
    whole(path, lambda part: write_recipe(recipe, part))


def _part(corpus: Corpus, part: Part, folder: Path, fit: Fit, report: Report) -> Tested:
    """Return the logits of the test rows and the temperature of one part, trained where it is not yet."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / LOGITS).exists():
        name = f"{part.name}: " if part.name else ""
        report(f"{name}{len(part.learn)} to learn from, {len(part.held)} held out, {len(part.test)} to test")
        logits = fit(part, folder)
        held, test = logits(part.held), logits(part.test)
        temperature = fit_temperature(held, corpus.labels[part.held]) if len(held) else 1.0
        learnt = sorted({corpus.groups[i] for i in (*part.learn, *part.held)})
        seen = np.array(learnt)

        def write(path: Path) -> None:
            np.savez_compressed(path, held=held, test=test, temperature=temperature, learnt=seen)

        whole(folder / LOGITS, write)
    return kept(folder)


def _network(chosen: Network, recipe: Recipe, corpus: Corpus, material: Material, report: Report) -> Fit:
    def fit(part: Part, folder: Path) -> Callable[[Indices], Floats]:
        network = _trained(chosen, recipe, corpus, material, part, folder, report)
        return lambda rows: material.logits(network, rows, recipe)

    return fit


def _trained(
    chosen: Network,
    recipe: Recipe,
    corpus: Corpus,
    material: Material,
    part: Part,
    folder: Path,
    report: Report,
) -> nn.Module:
    """Return the network of ``part``: the one that ``folder`` keeps, or else a trained one, kept there."""
    torch.manual_seed(recipe.seed)
    if (folder / WEIGHTS).exists():
        network = chosen.build(recipe, material)
        network.load_state_dict(weights(folder / WEIGHTS))
        return network.to(recipe.device).eval()
    given, learnt = _balanced(material, part, corpus.labels, recipe)
    balance = class_weights(given.class_targets(learnt)) if recipe.class_weights else None
    task = given.task(learnt, corpus.labels, recipe)
    network = train(chosen.build(recipe, material), recipe, task, folder, report, balance)
    if chosen.finish is not None:
        chosen.finish(network, material, learnt, recipe)
    tensors = {name: value.cpu().contiguous() for name, value in network.state_dict().items()}
    whole(folder / WEIGHTS, lambda path: save_file(tensors, path))
    return network


def _balanced(material: Material, part: Part, labels: Indices, recipe: Recipe) -> tuple[Material, Part]:
    if not recipe.smote:
        return material, part
    if not isinstance(material, Inputs):
        raise InputError(f"SMOTE works on feature vectors, not on those of {recipe.network}")
    return classical.enlarged(material, part, labels, recipe.seed)


def _pipeline(chosen: Pipelined, recipe: Recipe, corpus: Corpus, texts: tuple[str, ...]) -> Fit:
    def fit(part: Part, folder: Path) -> Callable[[Indices], Floats]:
        pipeline = classical.fitted(chosen.pipeline, recipe, corpus, texts, part)
        return lambda rows: classical.logits(pipeline, [texts[i] for i in rows])

    return fit
