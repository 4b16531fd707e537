"""From a training checkpoint to the shipped weights and their card; imports torch and the siblings.

    python -m models.face.ship --data DATA/ferplus --run OUT [--folder FOLDER]

The temperature is fitted on the faces that training held out. The figures of the card are those of
PublicTest (valid.npz), which nothing before this step has read.
"""

import argparse
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from safetensors.torch import save_file

from models.calibration import fit_temperature
from models.datasets.ferplus import Faces, load_npz, majority
from models.face.evaluate import evaluate, tables
from models.face.model import FaceModel
from models.face.network import FaceNet
from models.face.train import logits_of, split
from models.weights import FOLDER, write_card

MODEL_ID = "face-resnet/1"
LICENCE = "Apache-2.0 for the weights; FER2013 images are for research use, the votes of FER+ are MIT"
DATA = ("FER2013 (Training)", "FER+ (Training)")


def temperature_on(network: FaceNet, held: Faces) -> float:
    """Return the temperature that calibrates ``network`` on the majority labels of ``held``."""
    labels = majority(held.votes)
    logits = logits_of(network, torch.from_numpy(held.images)).to(torch.float64).numpy()
    return fit_temperature(logits[labels >= 0], labels[labels >= 0])


def ship(checkpoint: Path, data: Path, folder: Path) -> dict[str, dict[str, Any]]:
    """Write face.safetensors and face.json to ``folder``; return the figures on PublicTest."""
    parts = torch.load(checkpoint, weights_only=True)
    recipe = parts["recipe"]
    network = FaceNet(recipe["widths"], recipe["depths"]).eval()
    halves = {k: v.half() if v.is_floating_point() else v for k, v in parts["averaged"].items()}
    network.load_state_dict({k: v.float() for k, v in halves.items()})
    train = load_npz(data / "train.npz")
    temperature = temperature_on(network, split(train, recipe["held_out"], recipe["seed"])[1])
    save_file({k: v.contiguous() for k, v in halves.items()}, folder / "face.safetensors")
    card: dict[str, Any] = {
        "model_id": MODEL_ID,
        "modality": "video",
        "temperature": temperature,
        "licence": LICENCE,
        "data": DATA,
        "trust": 0.0,
        "config": recipe | {"epochs": parts["epoch"]},
        "figures": {},
    }
    write_card("face", card, folder)
    model = FaceModel(folder=folder)
    model.load("cpu")
    result = evaluate(model, load_npz(data / "valid.npz"), train)
    main_figures = next(iter(result.values()))
    shown = {k: round(float(main_figures[k]), 4) for k in ("accuracy", "uar", "macro_f1", "ece", "nll")}
    write_card("face", card | {"trust": shown["uar"], "figures": shown | {"n": main_figures["n"]}}, folder)
    return result


def main() -> None:
    """Read the command line and ship."""
    parser = argparse.ArgumentParser(description="Turn a checkpoint into the shipped face weights.")
    parser.add_argument("--data", type=Path, required=True, help="folder with train.npz and valid.npz")
    parser.add_argument("--run", type=Path, required=True, help="the --out folder of the training")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    given = parser.parse_args()
    torch.set_num_threads(1)
    for table in tables(ship(given.run / "checkpoint.pt", given.data, given.folder)):
        Console().print(table)


if __name__ == "__main__":
    main()
