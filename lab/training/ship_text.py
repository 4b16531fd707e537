"""The shipped text weights and their card, from one run or the mean of several with the same held-out rows.

The bias and the temperature are chosen on what training held out. The figures of the card are those of the
development sets, which nothing before this step has read.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.torch import save_file
from torch import Tensor

from affectstream.lab import statistics
from affectstream.lab.datasets.folder import corpora, of_corpus
from affectstream.lab.datasets.texts import Row
from affectstream.lab.evaluation.figures import summary
from affectstream.lab.evaluation.tasks.text import read
from affectstream.lab.statistics import FLOOR, fit_temperature, scaled
from affectstream.lab.training.files import WEIGHTS, mean_weights, weights
from affectstream.lab.training.recipe import RECIPE, TextRecipe, read_recipe
from affectstream.lab.training.tasks.text import encoder_config, label_counts, rows_of, start_folder
from affectstream.lab.training.vocabulary import cut_state, cut_tokenizer, needed
from affectstream.models.text.model import TextModel
from affectstream.models.text.storage import packed
from affectstream.models.text.tokenise import BUCKETS, Tokeniser
from affectstream.models.weights import Card, write_card
from affectstream.schemas.errors import InputError

MODEL_ID = "text-minilm/1"
LICENCE = (
    "Apache-2.0 for the weights, started from all-MiniLM-L6-v2 (Apache-2.0; its package says MIT); "
    "trained on MELD (GPL-3.0) and GoEmotions (CC BY 4.0)"
)
DATA = ("MELD (train)", "GoEmotions (train)")
FIGURES = ("weighted_f1", "macro_f1", "accuracy", "uar", "ece")
FLATTEN = 0.2  # part of the class shares that is taken out of the bias
LOCAL = ("weights", "threads", "device")  # of a recipe: where it was trained, not what it yields


def ship(runs: Sequence[Path], folder: Path, data: Path | None) -> Card:
    """Write weights, tokenizer and card to ``folder``; return the card."""
    held = write(runs, folder, corpora(data))
    config = json.loads((folder / "text.json").read_text())["config"]
    temperature, figures = calibrated(loaded(folder), held)
    write_card("text", card(temperature, 0.0, config, {}), folder)
    model = loaded(folder)
    for name, path, turns in (
        ("meld_dev", of_corpus("meld", data, "dev_sent_emo.csv") / "dev_sent_emo.csv", 2),
        ("goemotions_dev", of_corpus("goemotions", data, "dev.tsv") / "dev.tsv", 0),
    ):
        rows = read(path)
        found = summary(predicted(model, rows, turns), np.array([row.label for row in rows], dtype=np.int64))
        figures |= {f"{name}_{key}": found[key] for key in FIGURES}
    rounded = {name: round(value, 4) for name, value in figures.items()}
    return write_card("text", card(temperature, rounded["meld_dev_uar"], config, rounded), folder)


def write(runs: Sequence[Path], folder: Path, data: Path) -> list[Row]:
    """Write weights, vocabulary and a card without figures; return the rows that every run held out."""
    recipes = [recipe for run in runs if isinstance(recipe := read_recipe(run / RECIPE), TextRecipe)]
    if len({recipe.seed for recipe in recipes}) != 1:
        raise InputError(
            "runs of different seeds held out different rows: average runs that differ in --order"
        )
    meld, go, held = rows_of(data, recipes[0])
    start = start_folder(recipes[0])
    kept, tokenizer = kept_words(start / "tokenizer.json", [*meld, *go])
    state = product_state(mean_weights([weights(run / WEIGHTS) for run in runs]), meld)
    save_file(packed(cut_state(state, kept, BUCKETS[-1])), folder / "text.safetensors")
    (folder / "text.tokenizer.json").write_text(tokenizer, encoding="utf-8")
    sizes = {"vocab_size": len(kept), "max_position_embeddings": BUCKETS[-1]}
    config = {
        "encoder": encoder_config(start) | sizes,
        "tokenizer_sha256": hashlib.sha256(tokenizer.encode()).hexdigest(),
        "flatten": FLATTEN,
        "training": [recipe.model_dump(mode="json", exclude=set(LOCAL)) for recipe in recipes],
    }
    write_card("text", card(1.0, 0.0, config, {}), folder)
    return held


def kept_words(path: Path, rows: Sequence[Row]) -> tuple[list[int], str]:
    """Return the ids of the vocabulary in ``path`` that are kept, and the tokenizer with only these."""
    tokeniser = Tokeniser(path)
    seen = {i for row in rows for i in tokeniser.ids(row.text)}
    source = path.read_text(encoding="utf-8")
    kept = needed(json.loads(source)["model"]["vocab"], seen)
    return kept, cut_tokenizer(source, kept)


def product_state(state: dict[str, Tensor], rows: Sequence[Row]) -> dict[str, Tensor]:
    """Return the network's tensors with one bias, the mean of the corpora's, less FLATTEN log shares.

    The shares are those of the classes in ``rows`` of MELD: a call does not share the class frequencies of a
    comedy, so a part of them is taken out of the logits (Menon et al., "Logit adjustment", ICLR 2021).
    """
    counts = label_counts(rows) + 1
    shares = counts / counts.sum()
    return state | {"bias": state["bias"].mean(0, keepdim=True) - FLATTEN * shares.log()}


def card(
    temperature: float, trust: float, config: dict[str, Any], figures: dict[str, float]
) -> dict[str, Any]:
    """Return the fields of the card that ``affectstream.models.weights.write_card`` completes."""
    return {
        "model_id": MODEL_ID,
        "modality": "text",
        "temperature": temperature,
        "licence": LICENCE,
        "data": DATA,
        "trust": trust,
        "config": config,
        "figures": figures,
    }


def predicted(model: TextModel, rows: Sequence[Row], turns: int) -> statistics.Floats:
    """Return the probabilities (n, 7) of ``rows`` with at most ``turns`` of their context."""
    return model.predict([model.prepare(r.text, r.context[-turns:] if turns else ()) for r in rows]).p


def calibrated(model: TextModel, held: Sequence[Row]) -> tuple[float, dict[str, float]]:
    """Return the temperature for ``model`` (itself at 1) and its figures on MELD's held-out dialogues.

    Each utterance counts with two, one and no turns of context, since a call starts without any.
    """
    rows = [row for row in held if row.corpus == 0]
    truth = np.array([row.label for row in rows], dtype=np.int64)
    logits = [np.log(np.maximum(predicted(model, rows, turns), FLOOR)) for turns in (2, 1, 0)]
    temperature = fit_temperature(np.concatenate(logits), np.tile(truth, 3))
    said = logits[0].argmax(axis=1).astype(np.int64)
    return temperature, {
        "held_n": float(len(rows)),
        "held_weighted_f1": statistics.weighted_f1(truth, said),
        "held_uar": statistics.uar(truth, said),
        "held_ece": statistics.ece(scaled(logits[0], temperature), truth),
    }


def loaded(folder: Path) -> TextModel:
    """Return the text model of ``folder`` on the CPU."""
    model = TextModel(folder=folder)
    model.load("cpu")
    return model
