"""Training as a command: the steps of each modality, run in this process with their own options."""

import json
import platform
import runpy
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from schemas.errors import InputError

STARTS = "starts.jsonl"
PACKAGES = ("affectstream", "torch", "numpy", "librosa", "transformers")
VOICE_STEPS = ("folds", "ship")


def run(name: str, data: Path | None, folder: Path, extra: tuple[str, ...]) -> None:
    """Train ``name`` in ``folder``; raises InputError where the data are missing.

    Each start is noted in ``folder``/starts.jsonl. The training itself keeps its configuration, log and
    checkpoints there and goes on from them.
    """
    steps = arguments(name, data or _default_data(), folder, extra)
    folder.mkdir(parents=True, exist_ok=True)
    for step in steps:
        with (folder / STARTS).open("a", encoding="utf-8") as file:
            file.write(json.dumps(_start(name, step)) + "\n")
        _run(f"models.{name}.train", step)


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


def next_steps(name: str, folder: Path) -> str:
    """Return what to type once the training has ended."""
    weights = folder / "weights"
    look = f"affectstream evaluate {name} --weights {weights} -o {folder}"
    if name == "voice":
        return (
            f"next: python -m models.voice.evaluate folds --run {folder}, then "
            f"affectstream evaluate voice --run {folder} -o {folder}"
        )
    made = f"python -m models.{name}.ship --run {folder} --folder {weights} --data DATA"
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


def _start(name: str, arguments: list[str]) -> dict[str, object]:
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "model": name,
        "arguments": arguments,
        "python": platform.python_version(),
        "packages": {package: _version(package) for package in PACKAGES},
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"


def _default_data() -> Path:
    from models.datasets.ravdess import default_folder

    return default_folder().parent


def _holding(needed: str, *folders: Path) -> str:
    """Return the first of ``folders`` that holds what training reads."""
    for folder in folders:
        if any(folder.glob(needed)):
            return str(folder)
    raise InputError(
        f"{folders[0] / needed} is missing: "
        f"point --data or AFFECT_DATA to the folder that holds {folders[0].name}/"
    )
