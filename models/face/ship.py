"""From a training checkpoint to the shipped weights and their card; imports torch and the siblings.

    python -m models.face.ship --data DATA/ferplus --runs FIRST OUT [--folder FOLDER]

The weights are the mean of the runs' (Wortsman et al., "Model soups", ICML 2022), sound for a run and its
refinement only. The temperature is fitted on the faces that training held out. The figures of the card are of
PublicTest (valid.npz), which nothing before this step has read.
"""

import argparse
from collections.abc import Sequence
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


def mean_weights(checkpoints: Sequence[dict[str, Any]]) -> dict[str, torch.Tensor]:
    """Return the mean of the averaged weights of ``checkpoints``, in half precision; counters of the last."""
    last = checkpoints[-1]["averaged"]
    return {
        name: torch.stack([parts["averaged"][name] for parts in checkpoints]).mean(dim=0).half()
        if tensor.is_floating_point()
        else tensor
        for name, tensor in last.items()
    }


def ship(checkpoints: Sequence[Path], data: Path, folder: Path) -> dict[str, dict[str, Any]]:
    """Write face.safetensors and face.json to ``folder``; return the figures on PublicTest."""
    runs = [torch.load(path, weights_only=True) for path in checkpoints]
    recipe = runs[-1]["recipe"]
    network = FaceNet(recipe["widths"], recipe["depths"]).eval()
    halves = mean_weights(runs)
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
        "config": recipe | {"epochs": sum(parts["epoch"] for parts in runs)},
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
    parser.add_argument("--runs", type=Path, nargs="+", required=True, help="the --out folders")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    given = parser.parse_args()
    torch.set_num_threads(1)
    checkpoints = [run / "checkpoint.pt" for run in given.runs]
    for table in tables(ship(checkpoints, given.data, given.folder)):
        Console().print(table)


if __name__ == "__main__":
    main()
