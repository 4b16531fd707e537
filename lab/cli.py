"""The commands `train`, `ship`, `evaluate`, `compare` and `leakcheck`."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, get_args

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from affectstream.lab.evaluation import tables as view
from affectstream.lab.options import (
    Corpora,
    CorpusName,
    Device,
    Evaluated,
    Given,
    Labelled,
    ProcessorThreads,
    Quick,
    ReportFolder,
    RunFolder,
    Strangers,
    Threads,
    VoiceRun,
    Weights,
)
from affectstream.schemas.errors import InputError

if TYPE_CHECKING:
    from affectstream.lab.evaluation.outcome import Evaluation

DRAWS = 2000
Name = Literal["face", "voice", "text"]
ModelName = Annotated[Name, typer.Argument(help="which model", show_default=False)]
app = typer.Typer()
out = Console()
err = Console(stderr=True)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def train(
    context: typer.Context,
    name: ModelName,
    data: Corpora = None,
    run: RunFolder = None,
    network: Annotated[
        str | None, typer.Option(help="another network than the shipped one", show_default=False)
    ] = None,
    recipe: Annotated[
        Path | None, typer.Option(help="recipe.json of a run, or beside a card", show_default=False)
    ] = None,
) -> None:
    """Train a network in a run folder; other options change its recipe, as in: train voice --seed 1.

    Without --network it is the shipped one; another: train face --network fer-cnn --labels fer2013.
    """
    from affectstream.lab.training import command as training

    chosen = training.recipe_of(name, network, recipe, tuple(context.args))
    folder = run or training.default_folder(chosen)
    evaluation = training.start(chosen, data, folder, lambda line: err.print(line, highlight=False))
    view.show_evaluation(evaluation, DRAWS, out)
    if following := training.next_steps(chosen, folder):
        out.print(following, highlight=False, soft_wrap=True)


@app.command()
def ship(
    runs: Annotated[
        list[Path], typer.Argument(help="folders of finished runs of one network", show_default=False)
    ],
    folder: Annotated[
        Path | None, typer.Option(help="where the weights go; default: the package", show_default=False)
    ] = None,
    data: Corpora = None,
    threads: Threads = 1,
    bare: Annotated[
        bool, typer.Option("--bare", help="text: no figures, for weights that another training starts from")
    ] = False,
) -> None:
    """Turn runs of face, voice or text into the weights and the card that the product loads."""
    import torch

    from affectstream.lab.training.ship import ship as shipped
    from affectstream.lab.training.ship import ship_bare
    from affectstream.models.weights import FOLDER

    torch.set_num_threads(threads)
    if bare:
        ship_bare(runs, folder or FOLDER, data)
        return
    with err.status("shipping"):
        card = shipped(runs, folder or FOLDER, data)
    figures = ", ".join(f"{name} {value:.4g}" for name, value in card.figures.items())
    out.print(
        f"{card.model_id}: temperature {card.temperature:.3f}, trust {card.trust:.3f}; {figures}",
        highlight=False,
        soft_wrap=True,
    )


@app.command()
def evaluate(
    name: Evaluated,
    folder: Labelled = None,
    corpus: CorpusName = None,
    data: Given = None,
    output: ReportFolder = None,
    quick: Quick = False,
    weights: Weights = None,
    run: VoiceRun = Path("runs/voice"),
    strangers: Strangers = Path("runs/strangers"),
    device: Device = "cpu",
    threads: ProcessorThreads = None,
) -> None:
    """Measure a model on what it was not trained on, and show what was aimed at beside what was reached."""
    import torch

    from affectstream.lab.evaluation.run import EvaluationRequest, command_of
    from affectstream.lab.evaluation.run import evaluate as evaluated
    from affectstream.models.weights import FOLDER
    from affectstream.runtime.disk import make_folder

    torch.set_num_threads(threads or os.cpu_count() or 1)
    _check_evaluate(name, folder, corpus, output, run)
    if output is not None:
        make_folder(output)  # before what takes minutes
    if name == "calls":
        return _evaluate_calls(data, run, strangers, output, quick)
    if name not in get_args(Name):
        if quick or weights is not None:
            raise InputError("--quick and --weights are for face, voice and text, not for a run folder")
        return _evaluate_run(Path(name), data, output, device)
    with _progress() as progress:
        command = command_of(name, quick, weights, corpus, folder)
        given = EvaluationRequest(
            data, weights or FOLDER, run, device, quick, command, progress, corpus, folder
        )
        evaluation = evaluated(name, given)
    _show(evaluation, output, given.draws)


def _check_evaluate(
    name: str, folder: Path | None, corpus: str | None, output: Path | None, run: Path
) -> None:
    if name == "voice" and output is not None and output.resolve() == run.resolve():
        raise InputError(f"{run} keeps what its own networks predicted: give another --output")
    if name not in ("face", "voice") and (folder is not None or corpus is not None):
        raise InputError("a folder by class and --corpus are for face and voice")


def _evaluate_run(folder: Path, data: Path | None, output: Path | None, device: str) -> None:
    """Show what a reference network reached, or reaches on other ``data``."""
    from affectstream.lab.training import command as training

    if not folder.is_dir():
        raise InputError(f"{folder} is neither face, voice nor text, nor the folder of a run")
    evaluation = training.evaluate_folder(folder, data, device)
    _show(evaluation, output, DRAWS)


def _evaluate_calls(data: Path | None, run: Path, strangers: Path, output: Path | None, quick: bool) -> None:
    """Measure calls, show the page, and write it with its figures."""
    from affectstream.lab.calls import bench, page
    from affectstream.lab.evaluation.document import show
    from affectstream.runtime.settings import load

    before = page.read(page.BEFORE)
    with _progress() as progress:
        found = bench.measure(data, run, strangers, load(), progress, quick)
    show(page.blocks(found, before), out)
    for path in page.write(found, output) if output is not None else ():
        out.print(f"wrote {path}", highlight=False, soft_wrap=True)


def _show(evaluation: "Evaluation", output: Path | None, draws: int) -> None:
    view.show_evaluation(evaluation, draws, out)
    if output is not None:
        _write_report(evaluation, output, draws)


def _write_report(evaluation: "Evaluation", folder: Path, draws: int) -> None:
    from affectstream.lab.evaluation import report

    if not evaluation.outcomes:
        raise InputError("there are no predictions to report on: " + evaluation.notes[-1])
    with err.status("writing the report"):
        paths = report.write(evaluation, folder, draws)
    for path in paths:
        out.print(f"wrote {path}", highlight=False, soft_wrap=True)


@app.command()
def compare(
    runs: Annotated[
        list[Path], typer.Argument(help="folders that evaluate -o wrote; the first is compared with")
    ],
) -> None:
    """Show models side by side, with paired bootstrap intervals of their differences."""
    from affectstream.lab.evaluation import outcome
    from affectstream.lab.evaluation.compare import compare as compared

    kept = {str(folder): outcome.of_run(folder) for folder in dict.fromkeys(runs)}
    with err.status("redrawing groups"):
        comparisons = compared(kept)
    view.show_comparisons(comparisons, out)


@app.command()
def leakcheck(
    corpus: Annotated[str, typer.Argument(help="which corpus of docs/models/corpora.md", show_default=False)],
    data: Annotated[
        Path | None,
        typer.Option(help="its folder or file; default: $AFFECT_DATA/CORPUS", show_default=False),
    ] = None,
    label: Annotated[
        str,
        typer.Option(
            help="of crema-d: intended, crowd_audio, crowd_face or crowd_av; of goemotions: ekman or service",
            show_default=False,
        ),
    ] = "",
) -> None:
    """Show what splits of a corpus share between their parts, and by how much a random one flatters."""
    from affectstream.lab.baselines import report
    from affectstream.lab.datasets.catalogue import entry
    from affectstream.lab.datasets.files import corpora

    name = entry(corpus).name
    with err.status(f"reading {name} and training baselines on it"):
        found = report(name, data or corpora() / name, label)
    for line in found.lines():
        out.print(line, highlight=False, soft_wrap=True)


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=err,
        transient=True,
    )
