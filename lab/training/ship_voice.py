"""The shipped voice weights and their card, from a run of five folds and one network of all actors."""

from pathlib import Path

import numpy as np
from safetensors.torch import save_file
from torch import Tensor

from affectstream.lab import statistics
from affectstream.lab.datasets import ravdess
from affectstream.lab.datasets.by_name import EMOSPEECH, NEMO, TESS, TUREV
from affectstream.lab.evaluation.tasks import voice_folds
from affectstream.lab.evaluation.tasks.voice_folds import OUT_OF_FOLD, Arrays
from affectstream.lab.evaluation.tasks.voice_sets import SETS
from affectstream.lab.training.files import WEIGHTS
from affectstream.lab.training.recipe import RECIPE, VoiceRecipe, read_recipe
from affectstream.lab.training.tasks.voice import ALL
from affectstream.models.voice import features
from affectstream.models.voice.network import VoiceNet
from affectstream.models.weights import Card, read_card, write_card
from affectstream.schemas.errors import InputError

SOURCES = (
    ravdess.SOURCE,
    *(corpus.source for corpus in (TESS, NEMO, TUREV, EMOSPEECH)),
    "prompts of announcers for Asterisk, as Debian has them (without labels)",
)
MODEL_ID = "voice-whisper/3"
CALLS_OFFSET = 1.0  # of 0.5, 1 and 2 the best on the bench of calls; the recipe learns with its own
LICENCE = (
    f"weights {ravdess.LICENCE}, as the recordings of RAVDESS, nEMO and EmoSpeech; TESS and TurEV, from "
    "which they learnt too, are CC BY-NC-ND 4.0, which lets nobody share adapted material; the prompts of "
    "announcers are CC BY-SA 3.0 and CC BY 3.0; the encoder is Whisper's, MIT"
)


def ship(run: Path, folder: Path) -> Card:
    """Write the network of all actors and its card to ``folder``; raises InputError for an unfinished run."""
    network = run / ALL / WEIGHTS
    for path, command in ((network, "train"), (run / OUT_OF_FOLD, "evaluate")):
        if not path.exists():
            raise InputError(f"{path} is missing: affectstream {command} voice --run {run} makes it")
    recipe = read_recipe(run / RECIPE)
    assert isinstance(recipe, VoiceRecipe)
    made = voice_folds.whole_network(network, recipe)
    save_file(stored(made), folder / "voice.safetensors")
    return write_card("voice", _card(made, recipe, run), folder)


def stored(network: VoiceNet) -> dict[str, Tensor]:
    """Return the state of ``network``, its products in 16-bit floats: the encoder comes in them."""
    state = {name: tensor.float() for name, tensor in network.state_dict().items()}
    halved = ("encoder.", "heads.members.")
    return {n: (t.half() if n.startswith(halved) else t).contiguous() for n, t in state.items()}


def temperature_of(arrays: Arrays) -> float:
    """Return the temperature of the out-of-fold windows, by the clip and as the stream cuts them."""
    logits = [arrays[f"{name}, windows"] for name in ("clip", "stream")]
    labels = [arrays["label"][arrays[f"{name}, rows"]] for name in ("clip", "stream")]
    return statistics.fit_temperature(np.concatenate(logits), np.concatenate(labels))


def temperature_in(run: Path) -> float:
    """Return the temperature of a run's networks on speakers they never heard, else the shipped one."""
    path = run / OUT_OF_FOLD
    return temperature_of(voice_folds.kept(path)) if path.exists() else read_card("voice").temperature


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


def _card(network: VoiceNet, recipe: VoiceRecipe, run: Path) -> dict[str, object]:
    arrays = voice_folds.kept(run / OUT_OF_FOLD)
    figures = figures_of(arrays)
    others = voice_folds.never_heard(run)
    figures |= {
        f"{other.about.name}: uar": round(statistics.uar(other.labels, other.after.argmax(axis=1)), 4)
        for other in others
    }
    return {
        "model_id": MODEL_ID,
        "modality": "audio",
        "temperature": temperature_of(arrays),
        "licence": LICENCE,
        "data": SOURCES,
        "trust": figures["stream, each window: uar"],
        "config": {
            "members": recipe.members,
            "hidden": recipe.hidden,
            "calls_offset": CALLS_OFFSET,
            "actors": [int(actor) for actor in np.unique(arrays["actor"])],
            "rate_hz": features.RATE_HZ,
            "window_s": features.WINDOW_S,
            "mels": features.N_MELS,
            "parameters": sum(p.numel() for p in network.parameters()),
            "training": [recipe.model_dump(mode="json")],
        },
        "figures": figures,
    }
