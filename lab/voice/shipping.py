"""Making of the shipped voice weights and their card from a finished run."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import safetensors.torch
import torch

from affectstream.lab import statistics
from affectstream.lab.datasets import ravdess
from affectstream.lab.evaluation.tasks import voice_folds
from affectstream.lab.evaluation.tasks.voice_folds import OUT_OF_FOLD, Arrays
from affectstream.lab.evaluation.tasks.voice_sets import SETS
from affectstream.lab.voice.train import ship_file
from affectstream.lab.voice.training import Config
from affectstream.models.voice import features
from affectstream.models.voice.network import VoiceEnsemble
from affectstream.models.weights import FOLDER, Card, write_card
from affectstream.schemas.errors import ModelError

MODEL_ID = "voice-resnet/1"


def ship(run: Path, seeds: Sequence[int], folder: Path = FOLDER) -> Card:
    """Write the weights and their card into ``folder``; raises ModelError where the run is unfinished."""
    missing = [p for p in (run / OUT_OF_FOLD, *(ship_file(run, s) for s in seeds)) if not p.exists()]
    if missing:
        raise ModelError(
            f"{missing[0]} is missing: affectstream train voice --run {run}, then "
            f"affectstream evaluate voice --run {run}, make it"
        )
    net = VoiceEnsemble(len(seeds), Config().width)
    for member, seed in zip(net.members, seeds, strict=True):
        member.load_state_dict(safetensors.torch.load_file(ship_file(run, seed)))
    tensors = {name: value.contiguous() for name, value in net.state_dict().items()}
    safetensors.torch.save_file(tensors, folder / "voice.safetensors")
    return write_card("voice", _card(net, seeds, voice_folds.kept(run / OUT_OF_FOLD)), folder)


def temperature_of(arrays: Arrays) -> float:
    """Return the temperature of the out-of-fold windows, by the clip and as the stream cuts them."""
    logits = [arrays[f"{name}, windows"] for name in ("clip", "stream")]
    labels = [arrays["label"][arrays[f"{name}, rows"]] for name in ("clip", "stream")]
    return statistics.fit_temperature(np.concatenate(logits), np.concatenate(labels))


def figures_of(arrays: Arrays) -> dict[str, float]:
    """Return UAR and calibration error of every set, by the clip and by the window."""
    by, labels = voice_folds.temperatures(arrays), arrays["label"].astype(np.int64)
    found = {}
    for name in SETS:
        rows = arrays[f"{name}, rows"].astype(np.int64)
        clips = np.unique(rows)
        whole = statistics.scaled(arrays[name][clips], by.clip[clips, None])
        each = statistics.scaled(arrays[f"{name}, windows"], by.window[rows, None])
        for title, p, truth in ((name, whole, labels[clips]), (f"{name}, each window", each, labels[rows])):
            found[f"{title}: uar"] = round(statistics.uar(truth, p.argmax(axis=1)), 4)
            found[f"{title}: ece"] = round(statistics.ece(p, truth), 4)
    return found


def _card(net: torch.nn.Module, seeds: Sequence[int], arrays: Arrays) -> dict[str, object]:
    figures = figures_of(arrays)
    return {
        "model_id": MODEL_ID,
        "modality": "audio",
        "temperature": temperature_of(arrays),
        "licence": f"weights {ravdess.LICENCE}, as the recordings that they were trained on",
        "data": (ravdess.SOURCE,),
        "trust": figures["clip: uar"],
        "config": {
            "members": len(seeds),
            "actors": [int(actor) for actor in np.unique(arrays["actor"])],
            "width": Config().width,
            "rate_hz": features.RATE_HZ,
            "window_s": features.WINDOW_S,
            "mels": features.N_MELS,
            "parameters": sum(p.numel() for p in net.parameters()),
            "training": [asdict(Config(seed=s)) for s in seeds],
        },
        "figures": figures,
    }
