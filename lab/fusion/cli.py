"""The commands `fusion log`, `fit`, `train`, `compare` and `explain`."""

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console

from affectstream.lab.options import Corpora, Threads, VoiceRun
from affectstream.schemas.errors import InputError

app = typer.Typer(
    no_args_is_help=True,
    help="Fit, compare and explain the rules that join face, voice and words, on recorded probabilities.",
)
out = Console()
err = Console(stderr=True)

Source = Literal["all", "face", "voice", "text", "meld", "ravdess-video"]
Shares = Literal["meld", "balanced"]
Logs = Annotated[Path, typer.Option(help="folder of the probability logs")]
FittedFile = Annotated[
    Path | None, typer.Option("--fitted", help="a fitted file; default: see below", show_default=False)
]
LOGS = Path("runs/fusion/logs")


@app.command()
def log(
    source: Annotated[Source, typer.Argument(help="whose probabilities")] = "all",
    data: Corpora = None,
    run: VoiceRun = Path("runs/voice"),
    output: Annotated[Path, typer.Option("-o", "--output", help="folder for the logs")] = LOGS,
    threads: Threads = 1,
) -> None:
    """Record what the shipped models say about items that they were not trained on, sound and degraded."""
    import torch

    from affectstream.lab.fusion.logs import record as made

    torch.set_num_threads(threads)
    if source in ("meld", "ravdess-video"):
        _log_clips(source, data, output)
        return
    for name in made.MADE if source == "all" else (source,):
        with err.status(f"{name}: predicting"):
            written = made.make(name, data, run, output)
        for path, log in written:
            right = (log.p[0].argmax(axis=1) == log.labels).mean()
            size = f"{len(log.labels)} items, {len(log.conditions)} conditions"
            out.print(f"wrote {path}: {size}, accuracy {right:.3f}", highlight=False, soft_wrap=True)


def _log_clips(source: str, data: Path | None, folder: Path) -> None:
    from affectstream.lab.fusion.logs import aligned as aligned
    from affectstream.lab.fusion.logs import clips as clips

    if data is None:
        raise InputError(f"name the folder of the clips: affectstream fusion log {source} --data FOLDER")

    def heed(fault: str) -> None:
        err.print(f"left out: {fault}", highlight=False, soft_wrap=True)

    with err.status(f"{source}: predicting"):
        log = clips.log(source, data, clips.readers(), heed)
    path = folder / f"aligned-{source}.npz"
    aligned.write(log, path)
    out.print(f"wrote {path}: {len(log.labels)} windows. {log.source}", highlight=False, soft_wrap=True)


@app.command()
def fit(
    logs: Logs = LOGS,
    output: Annotated[Path, typer.Option("-o", "--output", help="the fitted file")] = Path(
        "runs/fusion/fusion.json"
    ),
    shares: Annotated[Shares, typer.Option(help="how frequent the emotions are")] = "meld",
    seed: Annotated[int, typer.Option(help="of windows, failures and folds")] = 0,
    data: Corpora = None,
) -> None:
    """Fit all rules on the fit part of the logs, as modalities really co-occur; clean and corrupted."""
    from affectstream.lab.fusion import page as work

    with err.status("fitting"):
        found = work.fit(logs, output, shares, seed, data)
    out.print(f"wrote {output}: {found.windows} windows, {found.short}", highlight=False, soft_wrap=True)
    out.print(found.data, highlight=False)


@app.command()
def train(
    kinds: Annotated[
        list[str] | None,
        typer.Argument(help="concat, cross_attention, early_late; default: all", show_default=False),
    ] = None,
    logs: Logs = LOGS,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="folder for the networks; default: the package")
    ] = None,
    seed: Annotated[int, typer.Option(help="of the failures and the training")] = 0,
    threads: Threads = 1,
) -> None:
    """Train the networks that fuse embeddings on the fit part of the logs, and ship them."""
    import torch

    from affectstream.lab.fusion.networks import KINDS
    from affectstream.lab.training.recipe import FusionRecipe, changed, shipped_recipe
    from affectstream.lab.training.tasks import fusion
    from affectstream.models.weights import FOLDER

    unknown = [kind for kind in kinds or () if kind not in KINDS]
    if unknown:
        raise InputError(f"no network of fusion is called {unknown[0]!r}: there are {', '.join(KINDS)}")
    torch.set_num_threads(threads)
    base = shipped_recipe("fusion-networks")
    recipes = [changed(base, {"network": kind, "seed": seed}) for kind in kinds or KINDS]
    fusion.ship(
        [recipe for recipe in recipes if isinstance(recipe, FusionRecipe)],
        fusion.windows(logs, seed),
        output or FOLDER,
        lambda line: out.print(line, highlight=False, soft_wrap=True),
    )


@app.command()
def compare(
    logs: Logs = LOGS,
    aligned: Annotated[
        Path | None, typer.Option(help="a log of meld or ravdess-video, no pairs", show_default=False)
    ] = None,
    fitted: FittedFile = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="the whole page, .md")] = None,
    card: Annotated[Path | None, typer.Option(help="the fitted file's card, .md", show_default=False)] = None,
    draws: Annotated[int, typer.Option(min=20, help="of the bootstrap")] = 1000,
    data: Corpora = None,
) -> None:
    """Compare all rules: on real moments, under all conditions, under stress; --fitted saves the fitting."""
    from affectstream.lab.evaluation import document as view
    from affectstream.lab.fusion import card as cards
    from affectstream.lab.fusion import document
    from affectstream.lab.fusion import page as work

    with err.status("reading") as status:
        page = work.page(logs, aligned, fitted, draws, status.update, data)
    view.show(document.blocks(page) if output is None else document.summary(page), out)
    for path, blocks in ((output, document.blocks), (card, cards.blocks)):
        if path is not None:
            work.write(blocks(page), path)
            out.print(f"wrote {path}", highlight=False, soft_wrap=True)


@app.command()
def explain(
    window: Annotated[
        Path | None, typer.Argument(help="windows of analyze -o, .jsonl", show_default=False)
    ] = None,
    at: Annotated[int, typer.Option(min=0, help="which window of the file, from 0")] = 0,
    rule: Annotated[str, typer.Option(help="which rule; default: the setting", show_default=False)] = "",
    fitted: FittedFile = None,
    logs: Logs = LOGS,
) -> None:
    """Say what each modality is worth to a rule; or, of one window, who said what and what they changed."""
    from affectstream.lab.fusion import explained
    from affectstream.runtime.settings import load

    name = rule or load().fusion.rule
    blocks = (
        explained.of_window(window, at, name, fitted) if window else explained.of_rule(logs, name, fitted)
    )
    from affectstream.lab.evaluation import document as view

    view.show(blocks, out)
