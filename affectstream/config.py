"""The command `config`: every setting and its value."""

import typer
from rich.console import Console
from rich.text import Text

from affectstream.tables import listing

app = typer.Typer()
out = Console()


@app.command()
def config() -> None:
    """Print every setting and its value: those that differ from the default in bold, secrets masked."""
    from affectstream.runtime.settings import config_file, describe, load

    lines = describe(load())
    source = config_file() or "the defaults"
    table = listing(f"settings from {source} and the environment", "setting", "value", "meaning")
    table.caption = Text(
        "AFFECT_KAFKA__BOOTSTRAP in the environment, or bootstrap in [kafka] of affectstream.toml"
    )
    table.caption_justify = "left"
    for line in lines:
        table.add_row(line.key, Text(line.value), Text(line.help), style="bold" if line.changed else None)
    out.print(table)
