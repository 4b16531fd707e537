"""Making of the shipped voice weights and their card from a finished run."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import safetensors.torch
import torch

from affectstream.lab import statistics
from affectstream.lab.datasets import ravdess
from affectstream.lab.voice.train import ship_file
from affectstream.lab.voice.training import Config
from affectstream.models.voice import features
from affectstream.models.voice.network import VoiceEnsemble
from affectstream.models.weights import FOLDER, Card, write_card
from affectstream.schemas.errors import ModelError

MODEL_ID = "voice-resnet/1"


def ship(run: Path, seeds: Sequence[int], folder: Path = FOLDER) -> Card:
    """Write the weights and their card into ``folder``; raises ModelError where the run is unfinished."""
    missing = [p for p in (run / "report.json", *(ship_file(run, s) for s in seeds)) if not p.exists()]
    if missing:
        raise ModelError(
            f"{missing[0]} is missing: run affectstream.lab.voice.train ship and "
            "affectstream.lab.voice.evaluate folds"
        )
    net = VoiceEnsemble(len(seeds), Config().width)
    for member, seed in zip(net.members, seeds, strict=True):
        member.load_state_dict(safetensors.torch.load_file(ship_file(run, seed)))
    tensors = {name: value.contiguous() for name, value in net.state_dict().items()}
    safetensors.torch.save_file(tensors, folder / "voice.safetensors")
    report = json.loads((run / "report.json").read_text())
    return write_card("voice", _card(net, seeds, report, run), folder)


def temperature_of(run: Path) -> float:
    """Return the temperature of the out-of-fold windows, by the clip and as the stream cuts them."""
    with np.load(run / "out-of-fold.npz") as kept:
        logits = [kept[f"{name}, windows"] for name in ("clip", "stream")]
        labels = [kept["label"][kept[f"{name}, rows"]] for name in ("clip", "stream")]
    return statistics.fit_temperature(np.concatenate(logits), np.concatenate(labels))


def actors_of(run: Path) -> list[int]:
    """Return the actors of the run: the shipped networks learnt from all of them."""
    with np.load(run / "out-of-fold.npz") as kept:
        return [int(actor) for actor in np.unique(kept["actor"])]


def _card(
    net: torch.nn.Module, seeds: Sequence[int], report: dict[str, dict[str, float]], run: Path
) -> dict[str, object]:
    figures = {f"{name}: {key}": round(row[key], 4) for name, row in report.items() for key in ("uar", "ece")}
    return {
        "model_id": MODEL_ID,
        "modality": "audio",
        "temperature": temperature_of(run),
        "licence": f"weights {ravdess.LICENCE}, as the recordings that they were trained on",
        "data": (ravdess.SOURCE,),
        "trust": round(report["clip"]["uar"], 4),
        "config": {
            "members": len(seeds),
            "actors": actors_of(run),
            "width": Config().width,
            "rate_hz": features.RATE_HZ,
            "window_s": features.WINDOW_S,
            "mels": features.N_MELS,
            "parameters": sum(p.numel() for p in net.parameters()),
            "training": [asdict(Config(seed=s)) for s in seeds],
        },
        "figures": figures,
    }
