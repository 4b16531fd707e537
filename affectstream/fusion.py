"""The commands about fusion: log, fit, compare, explain; their work is done in models.fusion."""

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console

app = typer.Typer(
    no_args_is_help=True,
    help="Fit, compare and explain the rules that join face, voice and words, on recorded probabilities.",
)
out = Console()
err = Console(stderr=True)

Source = Literal["all", "face", "voice", "text"]
Logs = Annotated[Path, typer.Option(help="folder of the probability logs")]
LOGS = Path("runs/fusion/logs")


@app.command()
def log(
    source: Annotated[Source, typer.Argument(help="whose probabilities")] = "all",
    data: Annotated[
        Path | None, typer.Option(help="folder of the corpora; default: $AFFECT_DATA", show_default=False)
    ] = None,
    run: Annotated[Path, typer.Option(help="voice: the run that keeps the folds")] = Path("runs/voice"),
    output: Annotated[Path, typer.Option("-o", "--output", help="folder for the logs")] = LOGS,
    threads: Annotated[int, typer.Option(min=1, help="of torch")] = 1,
) -> None:
    """Record what the shipped models say about items that they were not trained on, sound and degraded."""
    import torch

    from models.fusion import probability_logs_made as made

    torch.set_num_threads(threads)
    for name in made.MADE if source == "all" else (source,):
        with err.status(f"{name}: predicting"):
            written = made.make(name, data, run, output)
        for path, log in written:
            right = (log.p[0].argmax(axis=1) == log.labels).mean()
            size = f"{len(log.labels)} items, {len(log.conditions)} conditions"
            out.print(f"wrote {path}: {size}, accuracy {right:.3f}", highlight=False, soft_wrap=True)
