"""The weights of one finished run as weights that FaceModel loads.

    python -m affectstream.lab.training.ship RUN [--folder FOLDER]

Makes face-fer2013.safetensors, in half precision, and its card, from a run of face-resnet on FER2013's own
labels: what `affectstream evaluate face` judges by these labels.
"""

from pathlib import Path
from typing import Annotated

import torch
import typer
from safetensors.torch import save_file

from affectstream.lab.evaluation.figures import summary
from affectstream.lab.evaluation.outcome import of_run
from affectstream.lab.evaluation.tasks.face import OWN_LABELS
from affectstream.lab.training.files import weights
from affectstream.lab.training.recipe import RECIPE, read_recipe
from affectstream.lab.training.result import WEIGHTS, read_run_card
from affectstream.models.face.network import DEPTHS, WIDTHS
from affectstream.models.weights import FOLDER, Card, write_card
from affectstream.schemas.errors import InputError

LICENCE = "Apache-2.0 for the weights; FER2013 images are for research use"
ALWAYS = 1.1  # mirror_below: every face is looked at twice, as the run was judged
SHOWN = ("accuracy", "uar", "macro_f1", "ece", "nll")


def main(
    run: Annotated[Path, typer.Argument(help="folder of a finished run")],
    folder: Annotated[Path, typer.Option(help="where the weights go")] = FOLDER,
) -> None:
    """Write the weights and the card."""
    ship(run, folder)


def ship(run: Path, folder: Path) -> Card:
    """Write the weights of ``run`` and their card to ``folder``; raises InputError for another network's."""
    said, recipe = read_run_card(run), read_recipe(run / RECIPE)
    if (recipe.network, recipe.labels) != ("face-resnet", "fer2013"):
        raise InputError(f"{run} is no run of face-resnet on FER2013's own labels")
    outcome = of_run(run)[0]
    found = summary(outcome.after, outcome.labels)
    halves = {
        name: (tensor.half() if tensor.is_floating_point() else tensor).contiguous()
        for name, tensor in weights(run / WEIGHTS).items()
    }
    save_file(halves, folder / f"{OWN_LABELS}.safetensors")
    shape = {"widths": WIDTHS, "depths": DEPTHS, "mirror_below": ALWAYS}
    card = {
        "model_id": "face-resnet-fer2013/1",
        "modality": "video",
        "temperature": said.temperature,
        "licence": LICENCE,
        "data": ("FER2013 (Training)",),
        "trust": round(found["uar"], 4),
        "config": recipe.model_dump(mode="json") | shape,
        "figures": {name: round(found[name], 4) for name in SHOWN} | {"n": float(len(outcome.labels))},
    }
    return write_card(OWN_LABELS, card, folder)


if __name__ == "__main__":
    torch.set_num_threads(1)
    typer.run(main)
