"""From a training checkpoint to the shipped text weights and their card.

    python -m affectstream.lab.text.ship --run OUT [--run OUT2] [--data DATA]

The weights of several runs from the same start are averaged (Wortsman et al., "Model soups", ICML 2022). The
bias and the temperature are chosen on what training held out. The figures of the card are those of the
development sets, which nothing before this step has read.
"""

import argparse
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from safetensors.torch import save_file
from scipy.special import softmax
from torch import Tensor

from affectstream.lab import statistics
from affectstream.lab.datasets import folder
from affectstream.lab.datasets.texts import Row
from affectstream.lab.evaluation.figures import summary
from affectstream.lab.evaluation.tasks.text import read
from affectstream.lab.statistics import ece, fit_temperature
from affectstream.lab.text.train import Settings, rows_of
from affectstream.lab.training.vocabulary import cut_state, cut_tokenizer, needed
from affectstream.models.text.model import TextModel
from affectstream.models.text.storage import packed
from affectstream.models.text.tokenise import BUCKETS, Tokeniser
from affectstream.models.weights import FOLDER, write_card
from affectstream.schemas.errors import InputError

MODEL_ID = "text-minilm/1"
LICENCE = (
    "Apache-2.0 for the weights, started from all-MiniLM-L6-v2 (Apache-2.0; its package says MIT); "
    "trained on MELD (GPL-3.0) and GoEmotions (CC BY 4.0)"
)
DATA = ("MELD (train)", "GoEmotions (train)")
FIGURES = ("weighted_f1", "macro_f1", "accuracy", "uar", "ece")


def kept_words(settings: Settings, rows: Sequence[Row]) -> tuple[list[int], str]:
    """Return the ids of the starting vocabulary that are kept, and the tokenizer with only these."""
    path = Path(settings.start) / "tokenizer.json"
    tokeniser = Tokeniser(path)
    seen = {i for row in rows for i in tokeniser.ids(row.text)}
    source = path.read_text(encoding="utf-8")
    kept = needed(json.loads(source)["model"]["vocab"], seen)
    return kept, cut_tokenizer(source, kept)


def averaged(runs: Sequence[Path]) -> tuple[dict[str, Tensor], int]:
    """Return the mean of the runs' tensors and the sum of their steps."""
    states = [torch.load(run / "checkpoint.pt", weights_only=True) for run in runs]
    names = states[0]["network"]
    mean = {name: torch.stack([s["network"][name] for s in states]).mean(0) for name in names}
    return mean, sum(s["step"] for s in states)


def product_state(state: dict[str, Tensor], rows: Sequence[Row], flatten: float) -> dict[str, Tensor]:
    """Return the network's tensors with one bias, the mean of the corpora's, less ``flatten`` log shares.

    The shares are those of the classes in ``rows`` of MELD: a call does not share the class frequencies of a
    comedy, so a part of them is taken out of the logits (Menon et al., "Logit adjustment", ICLR 2021).
    """
    counts = torch.bincount(torch.tensor([row.label for row in rows]), minlength=7) + 1
    shares = counts / counts.sum()
    return state | {"bias": state["bias"].mean(0, keepdim=True) - flatten * shares.log()}


def write(runs: Sequence[Path], folder: Path, flatten: float) -> list[Row]:
    """Write weights, vocabulary and a card without figures; return the rows that every run held out."""
    configs = [json.loads((run / "config.json").read_text()) for run in runs]
    if len({config["settings"]["seed"] for config in configs}) > 1:
        raise InputError(
            "runs of different seeds held out different rows: average runs that differ in --order"
        )
    settings, encoder = Settings(**configs[0]["settings"]), configs[0]["encoder"]
    state, steps = averaged(runs)
    meld, go, held = rows_of(settings)
    kept, tokenizer = kept_words(settings, [*meld, *go])
    small = cut_state(product_state(state, meld, flatten), kept, BUCKETS[-1])
    save_file(packed(small), folder / "text.safetensors")
    (folder / "text.tokenizer.json").write_text(tokenizer, encoding="utf-8")
    config = {
        "encoder": encoder | {"vocab_size": len(kept), "max_position_embeddings": BUCKETS[-1]},
        "tokenizer_sha256": hashlib.sha256(tokenizer.encode()).hexdigest(),
        "flatten": flatten,
        "training": [
            {k: v for k, v in c["settings"].items() if k not in ("data", "out", "start")} for c in configs
        ],
        "steps": steps,
    }
    write_card("text", card(1.0, 0.0, config, {}), folder)
    return held


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
    logits = [np.log(np.maximum(predicted(model, rows, turns), 1e-12)) for turns in (2, 1, 0)]
    temperature = fit_temperature(np.concatenate(logits), np.tile(truth, 3))
    said = logits[0].argmax(axis=1).astype(np.int64)
    return temperature, {
        "held_n": float(len(rows)),
        "held_weighted_f1": statistics.weighted_f1(truth, said),
        "held_uar": statistics.uar(truth, said),
        "held_ece": ece(softmax(logits[0] / temperature, axis=1), truth),
    }


def ship(runs: Sequence[Path], data: Path, folder: Path, flatten: float) -> dict[str, float]:
    """Write weights, tokenizer and card to ``folder``; return the figures on the development sets."""
    held = write(runs, folder, flatten)
    config = json.loads((folder / "text.json").read_text())["config"]
    temperature, shown = calibrated(loaded(folder), held)
    write_card("text", card(temperature, 0.0, config, {}), folder)
    model = loaded(folder)
    for name, path, turns in (
        ("meld_dev", data / "meld" / "dev_sent_emo.csv", 2),
        ("goemotions_dev", data / "goemotions" / "dev.tsv", 0),
    ):
        rows = read(path)
        found = summary(predicted(model, rows, turns), np.array([row.label for row in rows], dtype=np.int64))
        shown |= {f"{name}_{key}": found[key] for key in FIGURES}
    rounded = {name: round(value, 4) for name, value in shown.items()}
    write_card("text", card(temperature, rounded["meld_dev_uar"], config, rounded), folder)
    return rounded


def loaded(folder: Path) -> TextModel:
    """Return the text model of ``folder`` on the CPU."""
    model = TextModel(folder=folder)
    model.load("cpu")
    return model


def main() -> None:
    """Read the command line and ship."""
    parser = argparse.ArgumentParser(description="Turn a checkpoint into the shipped text weights.")
    parser.add_argument("--run", type=Path, action="append", required=True, help="an --out of the training")
    parser.add_argument("--data", type=Path, default=None)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--flatten", type=float, default=0.2, help="part of the class shares taken out")
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    Console().print(ship(given.run, folder.corpora(given.data), given.folder, given.flatten))


if __name__ == "__main__":
    main()
