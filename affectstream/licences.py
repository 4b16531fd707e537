"""The command `licences`: the terms of every model in use and of the corpora behind it."""

from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from affectstream.schemas.messages import MODALITIES
from affectstream.tables import listing

app = typer.Typer()
out = Console()


@app.command()
def licences(
    commercial: Annotated[bool, typer.Option("--commercial", help="refuse what may not be used so")] = False,
) -> None:
    """List the licences of every model in use and of the corpora behind it."""
    from affectstream.lab.licences import (
        detector_in_use,
        fusion_in_use,
        in_use,
        recogniser_in_use,
        require_commercial,
    )
    from affectstream.runtime.settings import load

    settings = load()
    chosen = {m: getattr(settings, m).model for m in MODALITIES}
    lines = (
        detector_in_use(settings.video.yunet_path),
        *in_use(chosen),
        *recogniser_in_use(settings.asr.enabled, settings.asr.model),
        *fusion_in_use(settings.fusion.rule, settings.fusion.fitted),
    )
    table = listing("licences", "kind", "name", "for", "licence", "commercial use", "note")
    words = {True: "yes", False: "no", None: "not known"}
    for line in lines:
        cells = (line.kind, line.name, line.modality, line.licence, words[line.commercial], line.note)
        table.add_row(*map(Text, cells))
    out.print(table)
    if commercial:
        require_commercial(lines)
