"""The shipped text weights and their card, from one run or the mean of several with the same held-out rows.

The temperatures are chosen on what training held out. The figures of the card are those of the
development sets, which nothing before this step has read, of what was held out, and of both.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from safetensors.torch import save_file
from torch import Tensor

from affectstream.lab.datasets.files import corpora, of_corpus
from affectstream.lab.datasets.texts import Row, labels_of
from affectstream.lab.evaluation.figures import summary
from affectstream.lab.evaluation.sentences import SHARES, STYLES, outcomes
from affectstream.lab.evaluation.tasks.text import ROWS, prepared_with, read
from affectstream.lab.statistics import Floats, fit_temperature, log, scaled, uncalibrated
from affectstream.lab.training.files import WEIGHTS, mean_weights, weights
from affectstream.lab.training.networks.bert import cut_state, cut_tokenizer, needed
from affectstream.lab.training.networks.text_start import encoder_config, is_text_weights, tokenizer_of
from affectstream.lab.training.recipe import RECIPE, TextRecipe, read_recipe
from affectstream.lab.training.tasks.text import rows_of, start_folder
from affectstream.models.text.model import TextModel
from affectstream.models.text.network import packed, unpacked
from affectstream.models.text.tokenise import BUCKETS, MAX_TURNS, Tokeniser
from affectstream.models.weights import Card, read_card, write_card
from affectstream.schemas.errors import InputError
from affectstream.schemas.labels import INDEX

MODEL_ID = "text-bge/1"
LICENCE = (
    "Apache-2.0 for the weights, started from bge-small-en-v1.5 (MIT); "
    "trained on MELD (GPL-3.0) and GoEmotions (CC BY 4.0)"
)
DATA = ("MELD (train)", "GoEmotions (train)", "sentences of service calls (train)")
FIGURES = ("weighted_f1", "macro_f1", "accuracy", "uar", "ece")
CALM = 0.125  # added to the logit of neutral: calls hold more of it than the sentences, half of which are
LOCAL = ("weights", "threads", "device")  # of a recipe: where it was trained, not what it yields


def ship(runs: Sequence[Path], folder: Path, data: Path | None) -> Card:
    """Write weights, tokenizer and card to ``folder``; return the card."""
    held = write(runs, folder, corpora(data))
    config = json.loads((folder / "text.json").read_text())["config"] | fitted(loaded(folder), held)
    temperature = config["temperatures_by_turns"][-1]  # of a usual utterance
    write_card("text", card(temperature, 0.0, config, {}), folder)
    model = loaded(folder)
    figures = _on_dialogues(model, held, data) | _on_comments(model, config, data) | on_sentences(model)
    rounded = {name: round(value, 4) for name, value in figures.items()}
    return write_card("text", card(temperature, rounded["meld_dev_uar"], config, rounded), folder)


def _on_dialogues(model: TextModel, held: Sequence[Row], data: Path | None) -> dict[str, float]:
    """Return the figures of ``model`` on what MELD held out of training, on its development set, and both."""
    out = [row for row in held if row.corpus == 0]
    dev = read(of_corpus("meld", data, "dev_sent_emo.csv") / "dev_sent_emo.csv")
    p, labels = predicted(model, [*out, *dev], MAX_TURNS), labels_of([*out, *dev])
    parts = {"held": slice(len(out)), "meld_dev": slice(len(out), None), "meld_dev_and_held": slice(None)}
    found = {name: summary(p[rows], labels[rows]) for name, rows in parts.items()}
    figures = {f"{name}_{key}": of[key] for name, of in found.items() for key in FIGURES}
    return figures | {"held_n": float(len(out)), "meld_dev_and_held_n": float(len(labels))}


def _on_comments(model: TextModel, config: dict[str, Any], data: Path | None) -> dict[str, float]:
    """Return the figures of ``model`` on the development set of GoEmotions, by the temperature of its own."""
    rows = read(of_corpus("goemotions", data, "dev.tsv") / "dev.tsv")
    raw = uncalibrated(predicted(model, rows, 0), config["temperatures_by_turns"][0])
    found = summary(scaled(log(raw), config["temperatures"]["GoEmotions"]), labels_of(rows))
    return {f"goemotions_dev_{key}": found[key] for key in FIGURES}


def on_sentences(model: TextModel) -> dict[str, float]:
    """Return what ``model`` makes of the held-out sentences of calls, per style, without intervals."""
    names = ("neutral", "angry", "angry_disgust_sad")
    return {
        f"calls_{style}_{name}": share.of(outcome, draws=1)[0].value
        for style, outcome in zip(STYLES, outcomes(model), strict=True)
        for name, share in zip(names, SHARES, strict=True)
    }


def write(runs: Sequence[Path], folder: Path, data: Path) -> list[Row]:
    """Write weights, vocabulary and a card without figures; return the rows that every run held out."""
    recipes = [recipe for run in runs if isinstance(recipe := read_recipe(run / RECIPE), TextRecipe)]
    if len({recipe.seed for recipe in recipes}) != 1:
        raise InputError(
            "runs of different seeds held out different rows: average runs that differ in --order"
        )
    # by the words of one order, so that every run ships the same vocabulary
    meld, go, held = rows_of(data, recipes[0].model_copy(update={"order": 0}))
    state = mean_weights([weights(run / WEIGHTS) for run in runs])
    start = start_folder(recipes[0])
    if is_text_weights(start):
        kept, encoder, before = _continued(state, start, recipes[0].start_share)
    else:
        kept, encoder, before = _begun(state, start, recipes[0].layers, [*meld, *go])
    kept.state["bias"][0, INDEX["neutral"]] += CALM
    save_file(packed(kept.state), folder / "text.safetensors")
    (folder / "text.tokenizer.json").write_text(kept.tokenizer, encoding="utf-8")
    config = {
        "encoder": encoder,
        "tokenizer_sha256": hashlib.sha256(kept.tokenizer.encode()).hexdigest(),
        "calm": CALM,
        "training": before + [recipe.model_dump(mode="json", exclude=set(LOCAL)) for recipe in recipes],
    }
    write_card("text", card(1.0, 0.0, config, {}), folder)
    return held


class Kept(NamedTuple):
    """The tensors and the tokenizer that are shipped."""

    state: dict[str, Tensor]
    tokenizer: str


Shipped = tuple[Kept, dict[str, Any], list[Any]]  # with the encoder's shape and the trainings before


def _begun(state: dict[str, Tensor], start: Path, layers: int, rows: Sequence[Row]) -> Shipped:
    """Return what is shipped of a run from an encoder: with the words of ``rows`` and printable ASCII."""
    kept, tokenizer = kept_words(tokenizer_of(start), rows)
    sizes = {"vocab_size": len(kept), "max_position_embeddings": BUCKETS[-1]}
    return Kept(cut_state(state, kept, BUCKETS[-1]), tokenizer), encoder_config(start, layers) | sizes, []


def _continued(state: dict[str, Tensor], start: Path, share: float) -> Shipped:
    """Return what is shipped of a run that continued text weights: with a ``share`` of those.

    The share keeps what the weights before did well (Wortsman et al., "Robust fine-tuning of zero-shot
    models", CVPR 2022).
    """
    config = read_card("text", start).config
    tokenizer = tokenizer_of(start).read_text(encoding="utf-8")
    before = unpacked(weights(start / "text.safetensors"))
    state = {name: (1 - share) * tensor + share * before[name] for name, tensor in state.items()}
    return Kept(state, tokenizer), config["encoder"], config["training"]


def kept_words(path: Path, rows: Sequence[Row]) -> tuple[list[int], str]:
    """Return the ids of the vocabulary in ``path`` that are kept, and the tokenizer with only these."""
    tokeniser = Tokeniser(path)
    seen = {i for row in rows for i in tokeniser.ids(row.text)}
    source = path.read_text(encoding="utf-8")
    kept = needed(json.loads(source)["model"]["vocab"], seen)
    return kept, cut_tokenizer(source, kept)


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


def predicted(model: TextModel, rows: Sequence[Row], turns: int) -> Floats:
    """Return the probabilities (n, 7) of ``rows`` with at most ``turns`` of their context."""
    return model.predict(prepared_with(model, rows, turns)).p


def fitted(model: TextModel, held: Sequence[Row]) -> dict[str, Any]:
    """Return the temperatures for the card, from what training held out, by ``model``, itself at 1.

    Utterances of MELD give one after no, one and two turns of context; all that have as many count for each.
    Where none has, that after fewer turns holds. Comments of GoEmotions, which stand alone, give their own.
    """

    def temperature(rows: Sequence[Row], turns: int) -> float:
        return round(fit_temperature(log(predicted(model, rows, turns)), labels_of(rows)), 4)

    dialogues, comments = ([row for row in held if row.corpus == corpus] for corpus in (0, 1))
    by_turns = [temperature(dialogues, 0)]
    for turns in range(1, MAX_TURNS + 1):
        rows = [row for row in dialogues if len(row.context) >= turns]
        by_turns.append(temperature(rows, turns) if rows else by_turns[-1])
    return {"temperatures_by_turns": by_turns, "temperatures": {"GoEmotions": temperature(comments, 0)}}


def loaded(folder: Path) -> TextModel:
    """Return the text model of ``folder`` on the CPU."""
    model = TextModel(rows=ROWS, folder=folder)
    model.load("cpu")
    return model
