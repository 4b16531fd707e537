"""Command that trains the voice model: ``python -m affectstream.lab.voice.train folds|ship``."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt
import safetensors.torch
import torch
import typer
from rich.console import Console
from rich.progress import Progress

from affectstream.lab.datasets import folder, ravdess
from affectstream.lab.splits import Fold, grouped_folds, merged_groups
from affectstream.lab.voice.augment import Prepared, prepare
from affectstream.lab.voice.training import Config, train

Indices = npt.NDArray[np.int64]

RUN = Path("runs/voice")
FOLDS = 5
app = typer.Typer(add_completion=False, help="Train the voice model on RAVDESS.")
console = Console(stderr=True)

Data = Annotated[Path | None, typer.Option(help="RAVDESS; default $AFFECT_DATA/ravdess.")]
Run = Annotated[Path, typer.Option(help="Folder that keeps weights, configuration and prepared speech.")]
Seeds = Annotated[list[int] | None, typer.Option("--seed", help="One network per seed; default 0.")]
Only = Annotated[list[int] | None, typer.Option("--fold", help="Folds to train, 0 to 4; default all.")]
Threads = Annotated[int, typer.Option(help="CPU threads.")]


@dataclass(frozen=True)
class Speech:
    """The corpus as training needs it."""

    corpus: ravdess.Corpus
    labels: Indices
    prepared: Prepared


def read(data: Path | None, run: Path) -> Speech:
    """Return the corpus in ``data`` with its prepared speech kept in ``run``."""
    corpus = ravdess.read(data or folder.of_corpus("ravdess"))
    for path, reason in corpus.skipped:
        console.print(f"skipped {path.name}: {reason}")
    labels = np.array([clip.label for clip in corpus.clips], dtype=np.int64)
    with console.status("preparing speech (minutes the first time)"):
        return Speech(corpus, labels, prepare(corpus.clips, run / "prepared.npz"))


def folds_of(clips: Sequence[ravdess.Clip], seed: int = 0) -> tuple[Fold, ...]:
    """Return five folds in which an actor and the copies of a file are on one side."""
    groups = merged_groups([c.actor for c in clips], [c.sha256 for c in clips])
    return grouped_folds([(c.label, c.sex) for c in clips], groups.tolist(), FOLDS, seed)


def fold_file(run: Path, fold: int, seed: int) -> Path:
    """Return where the network of one fold and seed is kept."""
    return run / f"fold-{fold}-seed-{seed}.safetensors"


def ship_file(run: Path, seed: int) -> Path:
    """Return where the network of all actors and one seed is kept."""
    return run / f"all-seed-{seed}.safetensors"


@app.command()
def folds(
    data: Data = None, run: Run = RUN, seed: Seeds = None, fold: Only = None, threads: Threads = 1
) -> None:
    """Train one network per fold and seed; those that are there already are kept."""
    torch.set_num_threads(threads)
    speech = read(data, run)
    for s in seed or [0]:
        split = folds_of(speech.corpus.clips)
        for k in fold or range(FOLDS):
            _train_to(fold_file(run, k, s), speech, split[k].train, Config(seed=s))


@app.command()
def ship(data: Data = None, run: Run = RUN, seed: Seeds = None, threads: Threads = 1) -> None:
    """Train on every actor with the recipe of the folds; ``lab.voice.evaluate ship`` makes the weights."""
    torch.set_num_threads(threads)
    speech = read(data, run)
    for s in seed or [0]:
        _train_to(ship_file(run, s), speech, np.arange(len(speech.labels)), Config(seed=s))


def _train_to(path: Path, speech: Speech, rows: Sequence[int] | Indices, config: Config) -> None:
    if path.exists():
        console.print(f"{path.name} is there already")
        return
    with Progress(console=console) as progress:
        task = progress.add_task(path.stem, total=config.epochs)

        def on_epoch(epoch: int, loss: float) -> None:
            progress.update(task, completed=epoch, description=f"{path.stem} loss {loss:.3f}")
            if not console.is_terminal:
                console.print(f"{path.stem} epoch {epoch} loss {loss:.3f}")

        checkpoint = path.with_suffix(".pt")
        net = train(speech.prepared, speech.labels, np.asarray(rows), config, on_epoch, checkpoint)
    path.with_suffix(".json").write_text(json.dumps(asdict(config), indent=2) + "\n")
    part = path.with_suffix(".part")
    safetensors.torch.save_file({k: v.contiguous() for k, v in net.state_dict().items()}, part)
    part.replace(path)
    checkpoint.unlink()


if __name__ == "__main__":
    app()
