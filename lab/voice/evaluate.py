"""Measures the voice model: ``python -m affectstream.lab.voice.evaluate folds|ship|shipped``."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import safetensors.torch
import torch
import typer
from rich.console import Console
from rich.table import Table

from affectstream.lab import statistics
from affectstream.lab.bootstrap import intervals
from affectstream.lab.datasets import folder, ravdess
from affectstream.lab.evaluation.outcome import About, Outcome
from affectstream.lab.splits import Fold
from affectstream.lab.voice import evaluation, shipping
from affectstream.lab.voice.evaluation import CONDITIONS, Floats, Labels, Samples
from affectstream.lab.voice.train import RUN, Data, Run, Seeds, Threads, fold_file, folds_of
from affectstream.lab.voice.training import Config
from affectstream.models.voice.model import VoiceModel
from affectstream.models.voice.network import VoiceEnsemble
from affectstream.schemas.errors import ModelError

Logits = Callable[[Samples, int], Floats]  # windows, row of the fold -> logits
app = typer.Typer(add_completion=False, help="Measure the voice model on RAVDESS.")
console = Console()


@app.command()
def folds(
    data: Data = None, run: Run = RUN, seed: Seeds = None, draws: int = 2000, threads: Threads = 1
) -> None:
    """Measure the networks of ``train folds`` on the actors that they never heard; keeps RUN/report.json."""
    torch.set_num_threads(threads)
    corpus = ravdess.read(data or folder.of_corpus("ravdess"))
    nets = [_ensemble(run, k, seed or [0]) for k in range(5)]
    report, kept = measure(corpus.clips, folds_of(corpus), lambda x, k: _logits(nets[k], x))
    np.savez(run / "out-of-fold.npz", allow_pickle=False, **kept)
    (run / "report.json").write_text(json.dumps(report, indent=2) + "\n")
    _show(report)
    _show_details(kept, draws)


@app.command()
def ship(run: Run = RUN, seed: Seeds = None) -> None:
    """Join the networks of ``train ship`` into models/weights with a card, the temperature from ``folds``."""
    card = shipping.ship(run, seed or [0])
    console.print(f"{card.model_id}: temperature {card.temperature:.3f}, UAR {card.trust:.3f}")


@app.command()
def shipped(
    data: Data = None,
    card: Annotated[str, typer.Option(help="Name of the weights.")] = "voice",
    threads: Threads = 1,
) -> None:
    """Measure the shipped weights on a folder of RAVDESS: its actors must be other than those of training."""
    torch.set_num_threads(threads)
    corpus = ravdess.read(data or folder.of_corpus("ravdess"))
    model = VoiceModel(card, rows=32)
    model.load("cpu")
    labels = np.array([clip.label for clip in corpus.clips])
    table = Table("condition", "windows", "UAR", "accuracy", "ECE", title=model.model_id)
    for name in CONDITIONS:
        windows = evaluation.windows(corpus.clips, name)
        log_p = np.log(model.predict(list(windows.inputs)).p)
        found = evaluation.per_clip(log_p, windows.clip, len(labels))
        found -= np.logaddexp.reduce(found, axis=1, keepdims=True)
        predicted = found.argmax(axis=1)
        scores = statistics.uar(labels, predicted), statistics.accuracy(labels, predicted)
        error = statistics.ece(np.exp(found), labels)
        table.add_row(name, str(len(log_p)), *(f"{s:.3f}" for s in (*scores, error)))
    console.print(table)


def measure(
    clips: Sequence[ravdess.Clip], split: Sequence[Fold], logits: Logits
) -> tuple[dict[str, dict[str, float]], dict[str, Floats | Labels]]:
    """Return figures by condition and the out-of-fold logits that they come from.

    ``logits(inputs, k)`` are those of the network that never heard the actors of fold ``k``.
    """
    labels = np.array([clip.label for clip in clips])
    fold = np.zeros(len(clips), dtype=np.int64)
    for k, part in enumerate(split):
        fold[part.test] = k
    report = {}
    kept: dict[str, Floats | Labels] = {
        "label": labels,
        "fold": fold,
        "actor": np.array([c.actor for c in clips]),
    }
    for name in CONDITIONS:
        with console.status(name):
            windows = evaluation.windows(clips, name)
            found = np.zeros((len(windows.clip), 7))
            for k in range(len(split)):
                inside = fold[windows.clip] == k
                found[inside] = logits(windows.inputs[inside], k)
        heard = np.unique(windows.clip)
        whole = evaluation.per_clip(found, windows.clip, len(clips))
        report[name] = evaluation.figures(whole[heard], labels[heard], fold[heard])
        report[f"{name}, each window"] = evaluation.figures(found, labels[windows.clip], fold[windows.clip])
        kept |= {name: whole, f"{name}, windows": found, f"{name}, rows": windows.clip}
    return report, kept


def _ensemble(run: Path, fold: int, seeds: Sequence[int]) -> VoiceEnsemble:
    net = VoiceEnsemble(len(seeds), Config().width)
    for member, seed in zip(net.members, seeds, strict=True):
        path = fold_file(run, fold, seed)
        if not path.exists():
            raise ModelError(
                f"{path} is missing: run python -m affectstream.lab.voice.train folds --seed {seed}"
            )
        member.load_state_dict(safetensors.torch.load_file(path))
    return net.eval()


def _logits(net: VoiceEnsemble, inputs: Samples) -> Floats:
    with torch.inference_mode():
        parts = [net(torch.from_numpy(inputs[i : i + 64])) for i in range(0, len(inputs), 64)]
    return torch.cat(parts).double().numpy()


def _show(report: dict[str, dict[str, float]]) -> None:
    columns = ("n", "uar", "accuracy", "macro_f1", "weighted_f1", "nll", "brier", "ece_before", "ece")
    table = Table("condition", *columns, title="actors never heard in training, five folds")
    for name, row in report.items():
        table.add_row(name, f"{row['n']:.0f}", *(f"{row[c]:.3f}" for c in columns[1:]))
    console.print(table)


def _show_details(kept: dict[str, Floats | Labels], draws: int) -> None:
    labels, predicted = np.asarray(kept["label"], np.int64), kept["clip"].argmax(axis=1)
    p, who = statistics.scaled(kept["clip"].astype(np.float64)), tuple(map(str, kept["actor"]))
    span = intervals(Outcome(About("clips", "", "", "", "actors"), labels, who, p, p), draws)["uar"]
    console.print(f"UAR per clip {span.value:.3f}, 95 % over actors {span.low:.3f} to {span.high:.3f}")
    by_fold = Table("fold", "actors", "UAR", "UAR by telephone")
    for k in np.unique(kept["fold"]):
        rows = kept["fold"] == k
        scores = [
            statistics.uar(labels[rows], kept[c][rows].argmax(axis=1)) for c in ("clip", "clip, telephone")
        ]
        actors = " ".join(map(str, np.unique(kept["actor"][rows])))
        by_fold.add_row(str(k), actors, *(f"{s:.3f}" for s in scores))
    console.print(by_fold)
    by_class = Table("emotion", "precision", "recall", "F1", "clips")
    for row in statistics.per_class(labels, predicted):
        by_class.add_row(
            row.emotion, *(f"{v:.3f}" for v in (row.precision, row.recall, row.f1)), str(row.support)
        )
    console.print(by_class)
    console.print(statistics.confusion(labels, predicted))


if __name__ == "__main__":
    app()
