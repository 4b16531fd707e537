"""The commands that look at an installation and at data; heavy imports happen inside."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from affectstream.schemas.messages import MODALITIES

out = Console()
err = Console(stderr=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this module to the command line ``app``."""
    for command in (config, licences, doctor, leakcheck):
        app.command()(command)


def config() -> None:
    """Print every setting and its value; those that differ from the default are bold, secrets are masked."""
    from affectstream.runtime.settings import config_file, describe, load

    lines = describe(load())
    table = Table(
        title=f"settings from {config_file() or 'the defaults'} and the environment",
        caption="AFFECT_KAFKA__BOOTSTRAP in the environment, or bootstrap in [kafka] of affectstream.toml",
        title_justify="left",
        caption_justify="left",
    )
    for column in ("setting", "value", "meaning"):
        table.add_column(column, overflow="fold")
    for line in lines:
        table.add_row(line.key, line.value, line.help, style="bold" if line.changed else None)
    out.print(table)


def licences(
    commercial: Annotated[bool, typer.Option("--commercial", help="refuse what may not be used so")] = False,
) -> None:
    """List every model in use and the corpora behind it with their licences."""
    from affectstream.lab.licences import detector_in_use, fusion_in_use, in_use, require_commercial
    from affectstream.runtime.settings import load

    settings = load()
    chosen = {m: getattr(settings, m).model for m in MODALITIES}
    lines = (
        detector_in_use(settings.video.yunet_path),
        *in_use(chosen),
        *fusion_in_use(settings.fusion.rule, settings.fusion.fitted),
    )
    table = Table(title="licences", title_justify="left")
    for column in ("kind", "name", "for", "licence", "commercial use", "note"):
        table.add_column(column, overflow="fold")
    words = {True: "yes", False: "no", None: "not known"}
    for line in lines:
        table.add_row(line.kind, line.name, line.modality, line.licence, words[line.commercial], line.note)
    out.print(table)
    if commercial:
        require_commercial(lines)


def doctor() -> None:
    """Say what is installed, reachable, and on which device; exit code 1 where something is broken."""
    from affectstream.doctor import examine

    marks = {"ok": "[green]ok[/]", "absent": "[yellow]absent[/]", "bad": "[red]bad[/]"}
    table = Table(title="affectstream doctor", title_justify="left")
    for column in ("area", "what", "state", "detail"):
        table.add_column(column, overflow="fold")
    broken = False
    for finding in examine():
        broken = broken or finding.state == "bad"
        table.add_row(finding.area, finding.name, marks[finding.state], finding.detail)
    out.print(table)
    raise typer.Exit(1 if broken else 0)


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
    from affectstream.lab.datasets.catalogue import entry
    from affectstream.lab.datasets.folder import corpora
    from affectstream.lab.leakcheck import report

    name = entry(corpus).name
    with err.status(f"reading {name} and training baselines on it"):
        found = report(name, data or corpora() / name, label)
    for line in found.lines():
        out.print(line, highlight=False, soft_wrap=True)
