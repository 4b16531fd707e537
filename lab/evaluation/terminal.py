"""Blocks of a document in the terminal, tables by rich."""

from collections.abc import Iterable

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table as RichTable

from affectstream.lab.evaluation.document import Block, Bullets, Command, Heading, Paragraph, Picture, Table


def show(blocks: Iterable[Block], out: Console) -> None:
    """Print the blocks in their order; pictures are left to files."""
    for block in blocks:
        match block:
            case Heading(text):
                out.print(f"\n[bold]{text}[/]", highlight=False)
            case Paragraph(text) | Command(text):
                out.print(text, highlight=False, markup=False)
            case Bullets(items):
                for item in items:
                    out.print(f"- {item}", highlight=False, markup=False)
            case Table(columns, rows):
                out.print(_table(columns, rows))
            case Picture():
                pass


def _table(columns: tuple[str, ...], rows: tuple[tuple[str, ...], ...]) -> RichTable:
    table = RichTable(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for i, name in enumerate(columns):
        table.add_column(name, justify="right" if i else "left", overflow="fold")
    for row in rows:
        table.add_row(*(cell.replace("[", "\\[") for cell in row))
    return table
