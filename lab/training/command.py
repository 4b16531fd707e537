"""Starts of training from the command line: the recipe, the run folder, what to type next."""

import json
import platform
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from affectstream.runtime.disk import make_folder
from affectstream.schemas.errors import InputError

if TYPE_CHECKING:
    from affectstream.lab.evaluation.outcome import Evaluation
    from affectstream.lab.training.recipe import Recipe

STARTS = "starts.jsonl"
PACKAGES = ("affectstream", "torch", "numpy", "librosa", "transformers")


def recipe_of(name: str, network: str | None, kept: Path | None, extra: tuple[str, ...]) -> "Recipe":
    """Return the recipe of a network of modality ``name``, the shipped one by default, changed by ``extra``.

    Raises InputError where there is no such network, file, field or value.
    """
    from affectstream.lab.training.catalogue import network_named
    from affectstream.lab.training.recipe import changed, read_recipe

    found = read_recipe(kept) if kept is not None else network_named(network or name, name).recipe
    if network is not None and found.network != network:
        raise InputError(f"{kept} is the recipe of {found.network}, not of {network}")
    network_named(found.network, name)
    return changed(found, _fields(extra))


def start(recipe: "Recipe", data: Path | None, folder: Path, say: Callable[[str], None]) -> "Evaluation":
    """Train in ``folder``, or go on with it, and return what the run reaches.

    Each start is noted in ``folder``/starts.jsonl.
    """
    from affectstream.lab.training.run import run

    make_folder(folder)
    _note(folder, recipe)
    return run(recipe, data, folder, say)


def default_folder(recipe: "Recipe") -> Path:
    """Return where a run of ``recipe`` lies unless another folder is named."""
    from affectstream.lab.training.recipe import VOTED

    shipped = recipe.network in (*VOTED, "voice", "text")
    return Path("runs") / (recipe.network if shipped else f"{recipe.network}-{recipe.labels}")


def evaluate_folder(folder: Path, data: Path | None, device: str) -> "Evaluation":
    """Return what the run in ``folder`` ended with, or what it reaches on other labelled ``data``."""
    from affectstream.lab.training.evaluate_run import evaluate_run
    from affectstream.lab.training.result import kept_evaluation

    return kept_evaluation(folder) if data is None else evaluate_run(folder, data, device)


def _fields(extra: tuple[str, ...]) -> dict[str, Any]:
    """Return the fields of ``--FIELD VALUE --FLAG``; values are JSON, or else words."""
    found: dict[str, Any] = {}
    rest = list(extra)
    while rest:
        option = rest.pop(0)
        if not option.startswith("--"):
            raise InputError(f"{option!r} is not an option: a recipe is changed by --FIELD VALUE")
        value = rest.pop(0) if rest and not rest[0].startswith("--") else "true"
        try:
            found[option[2:].replace("-", "_")] = json.loads(value)
        except json.JSONDecodeError:
            found[option[2:].replace("-", "_")] = value
    return found


def next_steps(recipe: "Recipe", folder: Path) -> str:
    """Return what to type once the training has ended; nothing for a network that is not shipped."""
    weights, network = folder / "weights", recipe.network
    if network == "face":
        return f"next: affectstream train face --network face-refined --weights {folder / 'best.safetensors'}"
    if network == "voice":
        measure = f"affectstream evaluate voice --run {folder} -o {folder / 'report'}"
        return f"next: {measure}, then affectstream ship {folder} --folder {weights}"
    if network == "text":
        look = f"affectstream evaluate text --weights {weights} -o {folder}"
        return f"next: affectstream ship {folder} --folder {weights}, then {look}"
    if network == "face-refined":
        first = Path(recipe.weights).parent if recipe.weights else "RUN"
        base = folder.with_name("face-base")
        further = f"train face --network face-video --weights {base / 'face.safetensors'}"
        return f"next: affectstream ship {first} {folder} --folder {base}, then affectstream {further}"
    if network == "face-wide":
        return f"next: affectstream train face --network face-taught --teachers {folder}"
    if network in ("face-video", "face-taught"):
        look = f"affectstream evaluate face --weights {weights} -o {folder}"
        return f"next: affectstream ship {folder} --folder {weights}, then {look}"
    return ""


def _note(folder: Path, recipe: "Recipe") -> None:
    start = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "recipe": recipe.model_dump(mode="json"),
        "python": platform.python_version(),
        "packages": {package: _version(package) for package in PACKAGES},
    }
    with (folder / STARTS).open("a", encoding="utf-8") as file:
        file.write(json.dumps(start) + "\n")


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"
