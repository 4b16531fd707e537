"""The command `doctor`: installation, settings and servers, and what of them is wrong."""

from collections.abc import Iterator

import typer
from rich.console import Console
from rich.text import Text

from affectstream.doctor import configuration, installation, servers
from affectstream.doctor.finding import Finding, State
from affectstream.tables import listing

app = typer.Typer()
out = Console()

MARKS: dict[State, str] = {
    "ok": "[green]ok[/]",
    "absent": "[yellow]absent[/]",
    "risk": "[yellow]risk[/]",
    "bad": "[red]bad[/]",
}


@app.command()
def doctor() -> None:
    """Check packages, device, models, settings and servers; exit code 1 where something is broken."""
    table = listing("affectstream doctor", "area", "what", "state", "detail")
    broken = False
    for finding in examine():
        broken = broken or finding.state == "bad"
        table.add_row(finding.area, finding.name, MARKS[finding.state], Text(finding.detail))
    out.print(table)
    raise typer.Exit(1 if broken else 0)


def examine() -> Iterator[Finding]:
    """Yield the findings, the quick ones first."""
    yield from installation.examine()
    yield from configuration.examine()
    yield from servers.examine()
