"""Shipping: finished runs as the weights and the card that the product loads."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.torch import save_file
from torch import Tensor

from affectstream.lab.datasets import files
from affectstream.lab.datasets.ferplus import load_npz, majority
from affectstream.lab.evaluation.figures import summary
from affectstream.lab.evaluation.outcome import Outcome, of_run
from affectstream.lab.evaluation.tasks.face import OWN_LABELS, outcomes_of
from affectstream.lab.statistics import FLOOR, fit_temperature
from affectstream.lab.training import ship_text, ship_voice
from affectstream.lab.training.files import WEIGHTS, mean_weights, weights
from affectstream.lab.training.recipe import RECIPE, VOTED, Recipe, read_recipe
from affectstream.lab.training.result import read_run_card
from affectstream.lab.training.tasks.face import held_out, training_faces
from affectstream.models.face.model import FaceModel
from affectstream.models.face.network import DEPTHS, WIDTHS
from affectstream.models.weights import Card, write_card
from affectstream.schemas.errors import InputError
from affectstream.schemas.labels import INDEX

SHAPE = {"widths": WIDTHS, "depths": DEPTHS}
ALWAYS = 1.1  # mirror_below: every face is looked at twice, as its run was judged
MIRROR_BELOW = 0.5  # of the raw top probability: on held-out faces all but 0.001 of the gain is had there
LEANT_TO = ("angry", "fear", "disgust")  # rare in training, and what a call is watched for
LEANING = ("face-video", "face-taught")  # trained last, for calls
LEAN = 0.4  # added to their logits: a point of accuracy on held-out faces for half a point of UAR there
SHOWN = ("accuracy", "uar", "macro_f1", "ece", "nll")
LICENCE = "Apache-2.0 for the weights; FER2013 images are for research use"

Ship = Callable[[Sequence[Path], Path, Path | None], Card]


def ship(runs: Sequence[Path], folder: Path, data: Path | None = None) -> Card:
    """Write the weights of ``runs`` and their card to ``folder``; return the card.

    ``data`` is the folder of the corpora that calibrate and measure them; None: $AFFECT_DATA. Raises
    InputError for runs of a network that is not shipped, or of different ones.
    """
    recipes = [read_recipe(run / RECIPE) for run in runs]
    kinds = {_kind(recipe) for recipe in recipes}
    if len(kinds) != 1 or None in kinds:
        named = ", ".join(f"{run} ({r.network}, {r.labels})" for run, r in zip(runs, recipes, strict=True))
        raise InputError(f"these are no runs of one shipped network: {named}; there are {', '.join(SHIPS)}")
    folder.mkdir(parents=True, exist_ok=True)
    return SHIPS[str(kinds.pop())](runs, folder, data)


def ship_bare(runs: Sequence[Path], folder: Path, data: Path | None = None) -> None:
    """Write the text weights of ``runs`` to ``folder``, neither calibrated nor measured.

    Other trainings start from such weights. Raises InputError for runs of no text.
    """
    if any(_kind(read_recipe(run / RECIPE)) != "text" for run in runs):
        raise InputError("--bare is for text: other trainings go on from a run itself")
    folder.mkdir(parents=True, exist_ok=True)
    ship_text.write(runs, folder, files.corpora(data))


def _kind(recipe: Recipe) -> str | None:
    """Return which weights a run of ``recipe`` makes; None for a network that is not shipped."""
    if recipe.network in VOTED:
        return "face"
    if (recipe.network, recipe.labels) == ("face-resnet", "fer2013"):
        return OWN_LABELS
    return recipe.network if recipe.network in SHIPS else None


def _halves(state: dict[str, Tensor], path: Path) -> None:
    kept = {k: (v.half() if v.is_floating_point() else v).contiguous() for k, v in state.items()}
    save_file(kept, path)


def _face(runs: Sequence[Path], folder: Path, data: Path | None) -> Card:
    """Ship the mean of ``runs``; the temperature is fitted on the faces that all of them held out.

    A run of face-video is averaged with the weights that it began from (Wortsman et al., "Robust fine-tuning
    of zero-shot models", CVPR 2022). The networks of ``LEANING`` lean to the classes of ``LEANT_TO``.
    """
    recipes = [read_recipe(run / RECIPE) for run in runs]
    begun = [weights(Path(str(recipes[-1].weights)))] if recipes[-1].network == "face-video" else []
    mean = mean_weights([weights(run / WEIGHTS) for run in runs] + begun)
    if recipes[-1].network in LEANING:
        mean["head.bias"][[INDEX[name] for name in LEANT_TO]] += LEAN
    _halves(mean, folder / "face.safetensors")
    config = recipes[-1].model_dump(mode="json") | {"epochs": sum(r.epochs for r in recipes)}
    card: dict[str, Any] = {
        "model_id": "face-resnet/4",
        "modality": "video",
        "temperature": 1.0,
        "licence": f"{LICENCE}, the votes of FER+ are MIT",
        "data": ("FER2013 (Training)", "FER+ (Training)"),
        "trust": 0.0,
        "config": config | {"mirror_below": MIRROR_BELOW},
        "figures": {},
    }
    write_card("face", card, folder)
    corpus = files.of_corpus("ferplus", data, "valid.npz")
    card["temperature"] = _temperature(_loaded(folder), corpus, recipes[-1])
    write_card("face", card, folder)
    faces = load_npz(corpus / "valid.npz")
    p = _loaded(folder).predict(list(faces.images)).p
    return write_card("face", card | _measured(outcomes_of("PublicTest", faces, p, 1.0, None)[0]), folder)


def _temperature(model: FaceModel, data: Path, recipe: Recipe) -> float:
    """Return the temperature that calibrates ``model``, itself at 1, on held-out faces with a majority."""
    learn = training_faces(data)
    usable, out = held_out(learn, recipe)
    faces = learn.take(usable[out])
    labels = majority(faces.votes)
    p = model.predict(list(faces.images[labels >= 0])).p
    return fit_temperature(np.log(np.maximum(p, FLOOR)), labels[labels >= 0])


def _own_labels(runs: Sequence[Path], folder: Path, data: Path | None) -> Card:
    """Ship a run of face-resnet on FER2013's own labels, with the temperature and figures of the run."""
    (run,) = _one(runs)
    _halves(weights(run / WEIGHTS), folder / f"{OWN_LABELS}.safetensors")
    config = read_recipe(run / RECIPE).model_dump(mode="json") | SHAPE | {"mirror_below": ALWAYS}
    card = {
        "model_id": "face-resnet-fer2013/1",
        "modality": "video",
        "temperature": read_run_card(run).temperature,
        "licence": LICENCE,
        "data": ("FER2013 (Training)",),
        "config": config,
    }
    return write_card(OWN_LABELS, card | _measured(of_run(run)[0]), folder)


def _measured(outcome: Outcome) -> dict[str, Any]:
    found = summary(outcome.after, outcome.labels)
    figures = {name: round(found[name], 4) for name in SHOWN} | {"n": float(len(outcome.labels))}
    return {"trust": figures["uar"], "figures": figures}


def _loaded(folder: Path) -> FaceModel:
    model = FaceModel(rows=32, folder=folder)
    model.load("cpu")
    return model


def _one(runs: Sequence[Path]) -> Sequence[Path]:
    if len(runs) != 1:
        raise InputError("give one run: the weights of different trainings cannot be averaged")
    return runs


def _voice(runs: Sequence[Path], folder: Path, data: Path | None) -> Card:
    return ship_voice.ship(_one(runs)[0], folder)


SHIPS: dict[str, Ship] = {
    **{"face": _face, OWN_LABELS: _own_labels, "voice": _voice, "text": ship_text.ship},
}
