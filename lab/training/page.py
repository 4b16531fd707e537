"""The page on the reference networks, made from run folders.

python -m affectstream.lab.training.page RUN... -o docs/models/reference-networks.md
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from safetensors import safe_open

from affectstream.lab.bootstrap import intervals
from affectstream.lab.evaluation.document import Block, Command, Heading, Paragraph, Table, markdown
from affectstream.lab.evaluation.figures import summary
from affectstream.lab.evaluation.outcome import of_run
from affectstream.lab.evaluation.report import shown
from affectstream.lab.training.catalogue import NETWORKS
from affectstream.lab.training.files import WEIGHTS
from affectstream.lab.training.recipe import RECIPE, Recipe, read_recipe
from affectstream.lab.training.result import read_run_card

COLUMNS = (
    *("run", "network", "system", "data", "labels", "split", "items", "groups", "parameters"),
    *("accuracy", "UAR", "macro F1", "ECE before", "ECE after the temperature"),
)
HEAD = (
    "The networks of the five reference systems, and the shipped face network, trained here by one command "
    "each, to compare the shipped models with. Accuracy, UAR and macro F1 have the 95 % interval of 2000 "
    "bootstrap draws of whole groups; ECE is over 15 equal bins. The best epoch was chosen, and the "
    "temperature fitted, on a part held out of the training data; no actor, dialogue or near duplicate is on "
    "two sides, but for the official split of FER2013 where a row says so. Faces are judged by the mean "
    "logits of the face and its mirror image. These splits are not those of the systems' authors, so that "
    "their figures are not comparable with these."
)
RESNETS = ("resnet50", "mel-resnet18")  # that others start from ImageNet's weights
SYSTEMS = (
    ("000", "face and text: ResNet-50 and BERT, joined by cross-modal attention"),
    ("001", "RAVDESS: ResNet-50 on frames, CNN, LSTM and BiLSTM on sound, ResNet-18 on spectrograms; TF-IDF"),
    ("002", "speech by five networks on MFCC, faces by a CNN and by ResNet-50"),
    ("003", "face and text: ResNet and BERT, concatenated"),
    ("004", "MELD: BERT, CLIP over frames, convolutions over mel bands"),
)
UNTRAINED = {
    "resnet50-features": "no ImageNet weights were at hand",
    "clip": "no CLIP weights were at hand",
    "bert": "no weights of BERT-base were at hand",
}


def main(
    runs: Annotated[list[Path], typer.Argument(help="folders of finished runs")],
    output: Annotated[Path, typer.Option("-o", "--output", help="the page to write")],
) -> None:
    """Write the page on the reference networks from their run folders."""
    output.write_text(markdown(page(runs), "plots"), encoding="utf-8")


def page(runs: list[Path]) -> list[Block]:
    """Return the blocks of the page; raises InputError for a folder that is no finished run."""
    recipes = {folder: read_recipe(folder / RECIPE) for folder in runs}
    order = [name for name, entry in NETWORKS.items() if getattr(entry, "judge", True) is not None]
    folders = sorted(runs, key=lambda folder: order.index(recipes[folder].network))
    trained = {recipe.network for recipe in recipes.values()}
    rest = [name for name in order if name not in trained]
    return [
        Heading("Reference networks", 1),
        Paragraph(HEAD + _from_random(recipes.values())),
        Table(COLUMNS, tuple(_row(folder, recipes[folder]) for folder in folders)),
        Heading("Commands"),
        Paragraph("Each makes one row, resumes where it was stopped, and writes a report into its folder."),
        *(Command(command(recipes[folder], folder)) for folder in folders),
        Heading("Systems"),
        Table(("system", "what it does"), SYSTEMS),
        Heading("Not trained here"),
        Table(
            ("network", "system", "why"),
            tuple((n, _of(n), UNTRAINED.get(n, "no finished run was given")) for n in rest),
        ),
    ]


def _from_random(recipes: Iterable[Recipe]) -> str:
    found = [recipe.network for recipe in recipes if recipe.network in RESNETS and recipe.weights is None]
    return f" From random weights instead of ImageNet's: {', '.join(sorted(found))}." if found else ""


def command(recipe: Recipe, folder: Path) -> str:
    """Return what trains ``recipe``, naming what differs from the default recipe of its network."""
    entry = NETWORKS[recipe.network]
    default = entry.recipe.model_dump(mode="json")
    changed = {k: v for k, v in recipe.model_dump(mode="json").items() if v != default[k]}
    options = "".join(f" --{name.replace('_', '-')} {_typed(value)}" for name, value in changed.items())
    labels = f" --labels {recipe.labels}" if entry.modality == "face" and "labels" not in changed else ""
    what = f"{entry.modality} --network {recipe.network}{labels}{options}"
    return f"affectstream train {what} -o runs/{folder.name}"


def _typed(value: object) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"'{text}'" if " " in text else text


def _row(folder: Path, recipe: Recipe) -> tuple[str, ...]:
    read_run_card(folder)
    outcome = of_run(folder)[0]
    about, found = outcome.about, intervals(outcome)
    before, after = (summary(p, outcome.labels)["ece"] for p in (outcome.before, outcome.after))
    groups = f"{len(set(outcome.groups))} {about.groups}"
    figures = (shown(found[name]) for name in ("accuracy", "uar", "macro_f1"))
    described = (folder.name, recipe.network, _of(recipe.network), about.name, about.labels, about.split)
    counted = (str(len(outcome.labels)), groups, _parameters(folder))
    return (*described, *counted, *figures, f"{before:.3f}", f"{after:.3f}")


def _of(name: str) -> str:
    return NETWORKS[name].systems


def _parameters(folder: Path) -> str:
    """Return how many numbers the weights of one part hold, statistics of normalisation included."""
    files = sorted(folder.glob(f"**/{WEIGHTS}"))
    if not files:
        return "no network"
    with safe_open(files[0], "pt") as kept:
        return f"{sum(kept.get_tensor(name).numel() for name in kept.keys()):,}"  # noqa: SIM118


if __name__ == "__main__":
    typer.run(main)
