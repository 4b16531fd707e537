"""One run: a folder with its recipe, weights, temperature, predictions and report; imports the siblings."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from scipy.special import softmax
from torch import nn

from models.calibration import fit_temperature
from models.evaluation import report as reports
from models.evaluation.figures import summary
from models.evaluation.outcome import Evaluation, Floats, Outcome
from models.training.corpus import Corpus, Inputs, Part
from models.training.loop import logits_of, train
from models.training.networks import Reference, reference
from models.training.recipe import Recipe, read_recipe, write_recipe
from models.weights import Card
from schemas.errors import InputError
from schemas.labels import EMOTIONS

RECIPE = "recipe.json"
NOTES = (
    "A reference network, trained to compare with; the weights are not shipped.",
    "The best epoch was chosen, and the temperature fitted, on a held-out part of the training data.",
)
Say = Callable[[str], None]


def run(recipe: Recipe, data: Path, folder: Path, say: Say) -> Evaluation:
    """Train every part that is not yet trained in ``folder``, predict the test rows and write the report."""
    keep(recipe, folder)
    torch.set_num_threads(recipe.threads)
    chosen = reference(recipe.network)
    corpus, inputs = chosen.prepare(data, recipe)
    say(f"{corpus.about.name}: {corpus.about.split}")
    tested = [_part(chosen, recipe, corpus, inputs, part, folder / part.name, say) for part in corpus.parts]
    evaluation = _evaluation(chosen, recipe, corpus, tested, folder)
    reports.write(evaluation, folder)
    return evaluation


def keep(recipe: Recipe, folder: Path) -> None:
    """Write the recipe into a new ``folder``; raises InputError where another one is kept there."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / RECIPE
    if path.exists() and read_recipe(path) != recipe:
        raise InputError(f"{path} is another recipe: take a new folder, or go on with --recipe {path}")
    write_recipe(recipe, path)


def _part(
    chosen: Reference, recipe: Recipe, corpus: Corpus, inputs: Inputs, part: Part, folder: Path, say: Say
) -> tuple[Floats, float]:
    """Return the logits of the test rows and the temperature of one part, trained where it is not yet."""
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / "logits.npz"
    if not kept.exists():
        say(f"{len(part.learn)} to learn from, {len(part.held)} held out, {len(part.test)} to test")
        torch.manual_seed(recipe.seed)
        network = train(chosen.build(recipe), recipe, inputs, part, corpus.labels, folder, say)
        _save(network, recipe, inputs, corpus, part, folder)
    with np.load(kept) as found:
        return found["test"].astype(np.float64), float(found["temperature"])


def _save(
    network: nn.Module, recipe: Recipe, inputs: Inputs, corpus: Corpus, part: Part, folder: Path
) -> None:
    tensors = {name: value.cpu().contiguous() for name, value in network.state_dict().items()}
    save_file(tensors, folder / "best.safetensors")
    last = recipe.epochs - 1
    held, test = (logits_of(network, inputs, rows, last, recipe) for rows in (part.held, part.test))
    temperature = fit_temperature(held, corpus.labels[part.held])
    np.savez_compressed(folder / "logits.npz", held=held, test=test, temperature=np.float64(temperature))


def _evaluation(
    chosen: Reference, recipe: Recipe, corpus: Corpus, tested: list[tuple[Floats, float]], folder: Path
) -> Evaluation:
    rows = np.concatenate([part.test for part in corpus.parts])
    order = np.argsort(rows)
    before = np.concatenate([softmax(logits, axis=1) for logits, _ in tested])[order]
    after = np.concatenate([softmax(logits / t, axis=1) for logits, t in tested])[order]
    groups = tuple(corpus.groups[i] for i in rows[order])
    outcome = Outcome(corpus.about, corpus.labels[rows[order]], groups, before, after)
    card = _card(chosen, recipe, outcome, float(np.mean([t for _, t in tested])), folder)
    (folder / "card.json").write_text(json.dumps(card.model_dump(mode="json"), indent=2) + "\n")
    typed = f"affectstream train {chosen.modality} --recipe {RECIPE} -o {folder.name}"
    return Evaluation(chosen.modality, card, (outcome,), (), "accuracy", (), NOTES, typed)


def _card(chosen: Reference, recipe: Recipe, outcome: Outcome, temperature: float, folder: Path) -> Card:
    figures = summary(outcome.after, outcome.labels)
    digest = hashlib.sha256()
    for path in sorted(folder.glob("**/best.safetensors")):
        digest.update(path.read_bytes())
    return Card(
        model_id=f"{recipe.network}/{recipe.labels}",
        modality=chosen.modality,
        labels=EMOTIONS,
        temperature=temperature,
        sha256=digest.hexdigest(),
        licence="that of the data",
        data=(outcome.about.data,),
        trust=figures["uar"],
        config=json.loads(recipe.model_dump_json()),
        figures=figures,
    )
