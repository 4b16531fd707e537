"""Options that several commands of the laboratory have, or that take lines to explain."""

from pathlib import Path
from typing import Annotated

import typer

Corpora = Annotated[
    Path | None,
    typer.Option("--data", help="folder of the corpora; default: $AFFECT_DATA", show_default=False),
]
Given = Annotated[
    Path | None,
    typer.Option(help="folder of corpora, of one, or a file; default: $AFFECT_DATA", show_default=False),
]
Labelled = Annotated[
    Path | None,
    typer.Argument(
        help="face, voice: pictures or sounds in a folder per class, or where --corpus lies",
        show_default=False,
    ),
]
CorpusName = Annotated[
    str | None, typer.Option(help="face, voice: any corpus of docs/models/corpora.md", show_default=False)
]
Weights = Annotated[
    Path | None,
    typer.Option(help="folder with weights and card; default: the shipped ones", show_default=False),
]
ProcessorThreads = Annotated[
    int | None, typer.Option(min=1, help="of torch; default: one per processor", show_default=False)
]
Threads = Annotated[int, typer.Option(min=1, help="of torch")]
Strangers = Annotated[Path, typer.Option(help="calls: recordings of calm people whom no training heard")]
VoiceRun = Annotated[Path, typer.Option(help="voice: the run that keeps the folds")]
ReportFolder = Annotated[
    Path | None, typer.Option("-o", "--output", help="folder for the report, plots and predictions")
]
Quick = Annotated[bool, typer.Option("--quick", help="a few hundred items, to see that it works")]
Device = Annotated[str, typer.Option(help="cpu, cuda or cuda:N")]
RunFolder = Annotated[
    Path | None,
    typer.Option(
        "--run",
        "-o",
        "--output",
        help="run folder; a stopped run goes on; default: runs/NAME",
        show_default=False,
    ),
]
Evaluated = Annotated[
    str, typer.Argument(help="face, voice, text, calls, a reference network's run folder; or: clips FOLDER")
]
