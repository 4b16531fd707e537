"""From a training checkpoint to the shipped weights and their card.

    python -m affectstream.lab.face.ship --data DATA/ferplus --runs FIRST OUT [--folder FOLDER]
    python -m affectstream.lab.face.ship --data DATA/ferplus [--folder FOLDER]

The weights are the mean of the runs' (Wortsman et al., "Model soups", ICML 2022), sound for a run and its
refinement only. Without runs, the weights in FOLDER are calibrated and measured anew. The temperature is
fitted on the faces that training held out. The figures of the card are of PublicTest (valid.npz), which
nothing before this step has read.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from safetensors.torch import save_file

from affectstream.lab.datasets.ferplus import Faces, load_npz, majority
from affectstream.lab.evaluation.figures import summary
from affectstream.lab.evaluation.tasks.face import outcomes_of
from affectstream.lab.face.train import split
from affectstream.lab.statistics import fit_temperature
from affectstream.models.face.model import FaceModel
from affectstream.models.weights import FOLDER, read_card, write_card

MODEL_ID = "face-resnet/2"
MIRROR_BELOW = 0.5  # of the raw top probability: chosen on held-out faces, where all of the gain is had
LICENCE = "Apache-2.0 for the weights; FER2013 images are for research use, the votes of FER+ are MIT"
DATA = ("FER2013 (Training)", "FER+ (Training)")


def temperature_on(model: FaceModel, held: Faces) -> float:
    """Return the temperature that calibrates ``model``, itself at 1, on the majority labels of ``held``."""
    labels = majority(held.votes)
    said = model.predict(list(held.images[labels >= 0])).p
    return fit_temperature(np.log(np.maximum(said, 1e-12)), labels[labels >= 0])


def mean_weights(checkpoints: Sequence[dict[str, Any]]) -> dict[str, torch.Tensor]:
    """Return the mean of the averaged weights of ``checkpoints``, in half precision; counters of the last."""
    last = checkpoints[-1]["averaged"]
    return {
        name: torch.stack([parts["averaged"][name] for parts in checkpoints]).mean(dim=0).half()
        if tensor.is_floating_point()
        else tensor
        for name, tensor in last.items()
    }


def ship(checkpoints: Sequence[Path], data: Path, folder: Path) -> dict[str, float]:
    """Write face.safetensors and face.json to ``folder``; return the figures on PublicTest."""
    runs = [torch.load(path, weights_only=True) for path in checkpoints]
    halves = mean_weights(runs)
    save_file({k: v.contiguous() for k, v in halves.items()}, folder / "face.safetensors")
    config = runs[-1]["recipe"] | {"epochs": sum(parts["epoch"] for parts in runs)}
    return judged(config, data, folder)


def judged(config: dict[str, Any], data: Path, folder: Path) -> dict[str, float]:
    """Calibrate and measure the weights that lie in ``folder`` and write their card; return the figures."""
    config = config | {"mirror_below": MIRROR_BELOW}
    write_card("face", card(config, 1.0), folder)
    train = load_npz(data / "train.npz")
    held = split(train, config["held_out"], config["seed"])[1]
    temperature = temperature_on(loaded(folder), held)
    write_card("face", card(config, temperature), folder)
    faces = load_npz(data / "valid.npz")
    p = loaded(folder).predict(list(faces.images)).p
    judged_by = outcomes_of("PublicTest", faces, p, temperature, None)[0]
    found = summary(judged_by.after, judged_by.labels)
    shown = {k: round(found[k], 4) for k in ("accuracy", "uar", "macro_f1", "ece", "nll")}
    shown["n"] = float(len(judged_by.labels))
    write_card("face", card(config, temperature) | {"trust": shown["uar"], "figures": shown}, folder)
    return shown


def card(config: dict[str, Any], temperature: float) -> dict[str, Any]:
    """Return the fields of a card without figures."""
    return {
        "model_id": MODEL_ID,
        "modality": "video",
        "temperature": temperature,
        "licence": LICENCE,
        "data": DATA,
        "trust": 0.0,
        "config": config,
        "figures": {},
    }


def loaded(folder: Path) -> FaceModel:
    """Return the face model of ``folder`` on the CPU."""
    model = FaceModel(rows=32, folder=folder)
    model.load("cpu")
    return model


def main() -> None:
    """Read the command line and ship."""
    parser = argparse.ArgumentParser(description="Turn a checkpoint into the shipped face weights.")
    parser.add_argument("--data", type=Path, required=True, help="folder with train.npz and valid.npz")
    parser.add_argument("--runs", type=Path, nargs="*", help="the --out folders; none: judge FOLDER's anew")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    given = parser.parse_args()
    torch.set_num_threads(1)
    if given.runs:
        result = ship([run / "checkpoint.pt" for run in given.runs], given.data, given.folder)
    else:
        result = judged(read_card("face", given.folder).config, given.data, given.folder)
    Console().print(result)


if __name__ == "__main__":
    main()
