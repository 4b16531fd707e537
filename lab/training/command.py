"""Training as a command: the steps of each modality, run in this process with their own options."""

import json
import os
import platform
import runpy
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from affectstream.schemas.errors import InputError

if TYPE_CHECKING:
    from affectstream.lab.evaluation.outcome import Evaluation
    from affectstream.lab.training.recipe import Recipe

STARTS = "starts.jsonl"
PACKAGES = ("affectstream", "torch", "numpy", "librosa", "transformers")
VOICE_STEPS = ("folds", "ship")


def run(name: str, data: Path | None, folder: Path, extra: tuple[str, ...]) -> None:
    """Train ``name`` in ``folder``; raises InputError where the data are missing.

    Each start is noted in ``folder``/starts.jsonl. The training itself keeps its configuration, log and
    checkpoints there and goes on from them.
    """
    steps = arguments(name, data or _default_data(), folder, extra)
    make(folder)
    for step in steps:
        _note(folder, name, step)
        _run(f"affectstream.lab.{name}.train", step)


def arguments(name: str, data: Path, folder: Path, extra: tuple[str, ...]) -> list[list[str]]:
    """Return the command line of each step of a training."""
    if name == "face":
        return [["--data", _holding("train.npz", data / "ferplus", data), "--out", str(folder), *extra]]
    if name == "text":
        _holding("train_sent_emo.csv", data / "meld")
        _holding("train.tsv", data / "goemotions")
        return [["--data", str(data), "--out", str(folder), *extra]]
    corpus = _holding("Actor_*", data / "ravdess", data)
    chosen, rest = (extra[:1], extra[1:]) if extra[:1] and extra[0] in VOICE_STEPS else (VOICE_STEPS, extra)
    return [[step, "--data", corpus, "--run", str(folder), *rest] for step in chosen]


def recipe_of(name: str, network: str | None, kept: Path | None, extra: tuple[str, ...]) -> "Recipe":
    """Return the recipe of a reference network of modality ``name``, changed by the options ``extra``.

    Raises InputError where there is no such network, file, field or value.
    """
    from affectstream.lab.training.networks import reference
    from affectstream.lab.training.recipe import changed, read_recipe

    found = read_recipe(kept) if kept is not None else reference(str(network), name).recipe
    if network is not None and found.network != network:
        raise InputError(f"{kept} is the recipe of {found.network}, not of {network}")
    reference(found.network, name)
    return changed(found, _fields(extra))


def run_reference(
    recipe: "Recipe", data: Path | None, folder: Path | None, say: Callable[[str], None]
) -> "Evaluation":
    """Train a reference network in ``folder``, or go on with it, and return what it reaches."""
    from affectstream.lab.training.run import run as trained

    folder = folder or Path("runs") / f"{recipe.network}-{recipe.labels}"
    make(folder)
    _note(folder, recipe.network, [recipe.model_dump_json()])
    return trained(recipe, data, folder, say)


def make(folder: Path) -> None:
    """Make ``folder`` where it is missing; raises InputError where it cannot be written to."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make the folder {folder}: {error.strerror}") from error
    if not os.access(folder, os.W_OK):
        raise InputError(f"cannot write into the folder {folder}")


def evaluate_reference(folder: Path, data: Path | None, device: str) -> "Evaluation":
    """Return what the run in ``folder`` ended with, or what it reaches on other labelled ``data``."""
    from affectstream.lab.training.judge import judged
    from affectstream.lab.training.result import again

    return again(folder) if data is None else judged(folder, data, device)


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


def next_steps(name: str, folder: Path) -> str:
    """Return what to type once the training has ended."""
    weights = folder / "weights"
    look = f"affectstream evaluate {name} --weights {weights} -o {folder}"
    if name == "voice":
        return f"next: affectstream evaluate voice --run {folder} -o {folder}"
    made = f"python -m affectstream.lab.{name}.ship --run {folder} --folder {weights} --data DATA"
    return f"next: mkdir -p {weights}; {made}, then {look}"


def _run(module: str, arguments: list[str]) -> None:
    before = sys.argv
    sys.argv = [module, *arguments]
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        if end.code not in (0, None):
            raise
    finally:
        sys.argv = before


def _note(folder: Path, name: str, arguments: list[str]) -> None:
    start = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "model": name,
        "arguments": arguments,
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


def _default_data() -> Path:
    from affectstream.lab.datasets.folder import corpora

    return corpora()


def _holding(needed: str, *folders: Path) -> str:
    """Return the first of ``folders`` that holds what training reads."""
    for folder in folders:
        if any(folder.glob(needed)):
            return str(folder)
    raise InputError(
        f"{folders[0] / needed} is missing: "
        f"point --data or AFFECT_DATA to the folder that holds {folders[0].name}/"
    )
