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
