"""From a training checkpoint to the shipped text weights and their card; imports torch and the siblings.

    python -m models.text.ship --run OUT [--data DATA]

The bias and the temperature are chosen on what training held out. The figures of the card are those of the
development sets, which nothing before this step has read.
"""

import argparse
import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from safetensors.torch import save_file
from torch import Tensor

from models.calibration import fit_temperature
from models.text.corpus import Row
from models.text.evaluate import evaluate, predicted, tables
from models.text.model import TextModel
from models.text.storage import cut_state, cut_tokenizer, needed, packed
from models.text.tokenise import BUCKETS, Tokeniser
from models.text.train import Settings, rows_of
from models.weights import FOLDER, write_card

MODEL_ID = "text-minilm/1"
LICENCE = (
    "Apache-2.0 for the weights, started from all-MiniLM-L6-v2 (Apache-2.0; its package says MIT); "
    "trained on MELD (GPL-3.0) and GoEmotions (CC BY 4.0)"
)
DATA = ("MELD (train)", "GoEmotions (train)")


def kept_words(settings: Settings, rows: Sequence[Row]) -> tuple[list[int], str]:
    """Return the ids of the starting vocabulary that are kept, and the tokenizer with only these."""
    path = Path(settings.start) / "tokenizer.json"
    tokeniser = Tokeniser(path)
    seen = {i for row in rows for i in tokeniser.ids(row.text)}
    source = path.read_text(encoding="utf-8")
    kept = needed(json.loads(source)["model"]["vocab"], seen)
    return kept, cut_tokenizer(source, kept)


def product_state(state: dict[str, Tensor], mix: float) -> dict[str, Tensor]:
    """Return the network's tensors with one bias: ``mix`` of GoEmotions' and the rest of MELD's."""
    meld, goemotions = state["bias"]
    return state | {"bias": torch.stack([(1 - mix) * meld + mix * goemotions])}


def write(run: Path, folder: Path, mix: float) -> tuple[Settings, list[Row]]:
    """Write weights, vocabulary and a card without figures; return the settings and the rows held out."""
    kept_config = json.loads((run / "config.json").read_text())
    settings, encoder = Settings(**kept_config["settings"]), kept_config["encoder"]
    state = torch.load(run / "checkpoint.pt", weights_only=True)
    meld, go, held = rows_of(settings)
    kept, tokenizer = kept_words(settings, [*meld, *go])
    small = cut_state(product_state(state["network"], mix), kept, BUCKETS[-1])
    save_file(packed(small), folder / "text.safetensors")
    (folder / "text.tokenizer.json").write_text(tokenizer, encoding="utf-8")
    config = {
        "encoder": encoder | {"vocab_size": len(kept), "max_position_embeddings": BUCKETS[-1]},
        "tokenizer_sha256": hashlib.sha256(tokenizer.encode()).hexdigest(),
        "bias_mix": mix,
        "training": {k: v for k, v in kept_config["settings"].items() if k not in ("data", "out", "start")},
        "steps": state["step"],
    }
    write_card("text", card(1.0, 0.0, config, {}), folder)
    return settings, held


def card(
    temperature: float, trust: float, config: dict[str, Any], figures: dict[str, float]
) -> dict[str, Any]:
    """Return the fields of the card that ``models.weights.write_card`` completes."""
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


def temperature_on(model: TextModel, held: Sequence[Row]) -> float:
    """Return the temperature that calibrates ``model`` (itself at 1) on MELD's held-out dialogues."""
    rows = [row for row in held if row.corpus == 0]
    logits = np.log(np.maximum(predicted(model, rows, 2), 1e-12))
    return fit_temperature(logits, np.array([row.label for row in rows], dtype=np.int64))


def ship(run: Path, data: Path, folder: Path, mix: float) -> dict[str, dict[str, Any]]:
    """Write weights, tokenizer and card to ``folder``; return the figures on the development sets."""
    _, held = write(run, folder, mix)
    model = loaded(folder)
    config = json.loads((folder / "text.json").read_text())["config"]
    temperature = temperature_on(model, held)
    write_card("text", card(temperature, 0.0, config, {}), folder)
    model = loaded(folder)
    result = evaluate(model, data / "meld" / "dev_sent_emo.csv", data / "goemotions" / "dev.tsv")
    first, last = next(iter(result.values())), next(reversed(result.values()))
    shown = {
        f"meld_dev_{k}": round(first[k], 4) for k in ("weighted_f1", "macro_f1", "accuracy", "uar", "ece")
    }
    shown |= {f"goemotions_dev_{k}": round(last[k], 4) for k in ("macro_f1", "accuracy", "uar", "ece")}
    write_card("text", card(temperature, round(first["uar"], 4), config, shown), folder)
    return result


def loaded(folder: Path) -> TextModel:
    """Return the text model of ``folder`` on the CPU."""
    model = TextModel(folder=folder)
    model.load("cpu")
    return model


def main() -> None:
    """Read the command line and ship."""
    parser = argparse.ArgumentParser(description="Turn a checkpoint into the shipped text weights.")
    parser.add_argument(
        "--run", type=Path, default=Path("runs/text"), help="the --out folder of the training"
    )
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("AFFECT_DATA", "../shared/data")))
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--mix", type=float, default=0.0, help="share of GoEmotions' bias in the shipped one")
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    for table in tables(ship(given.run, given.data, given.folder, given.mix)):
        Console().print(table)


if __name__ == "__main__":
    main()
