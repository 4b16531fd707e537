"""A document of text, tables and pictures: as Markdown, as one HTML file, and in the terminal."""

import base64
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table as RichTable

STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem;color:#202124}"
    "table{border-collapse:collapse;margin:1rem 0;font-size:13px;display:block;overflow-x:auto}"
    "th,td{border-bottom:1px solid #dadce0;padding:.25rem .6rem;text-align:right}"
    "th:first-child,td:first-child{text-align:left}"
    ".text th,.text td{text-align:left;vertical-align:top}"
    "img{max-width:100%}pre{background:#f1f3f4;padding:.7rem;overflow-x:auto}"
)


@dataclass(frozen=True)
class Heading:
    """A heading of level 1, 2 or 3."""

    text: str
    level: int = 2


@dataclass(frozen=True)
class Paragraph:
    """Plain text."""

    text: str


@dataclass(frozen=True)
class Command:
    """A command line to type."""

    text: str


@dataclass(frozen=True)
class Bullets:
    """A list without order."""

    items: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """Cells as they are shown; the first column holds names, the others figures or, with ``text``, words."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    text: bool = False


@dataclass(frozen=True)
class Picture:
    """A PNG that the Markdown links as ``name`` and the HTML holds."""

    name: str
    alt: str
    png: bytes


Block = Heading | Paragraph | Command | Bullets | Table | Picture


def markdown(blocks: Sequence[Block], pictures: str) -> str:
    """Return the document with its pictures linked from the folder ``pictures``."""
    return "\n\n".join(_markdown(block, pictures) for block in blocks) + "\n"


def html(blocks: Sequence[Block], title: str) -> str:
    """Return the document as one page that needs no other file."""
    body = "\n".join(_html(block) for block in blocks)
    head = f'<meta charset="utf-8"><title>{escape(title)}</title><style>{STYLE}</style>'
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>\n{body}\n</body></html>\n'


def pictures(blocks: Sequence[Block]) -> Iterator[Picture]:
    """Yield the pictures in their order."""
    return (block for block in blocks if isinstance(block, Picture))


def _markdown(block: Block, folder: str) -> str:
    match block:
        case Heading(text, level):
            return f"{'#' * level} {text}"
        case Paragraph(text):
            return text
        case Command(text):
            return f"```\n{text}\n```"
        case Bullets(items):
            return "\n".join(f"- {item}" for item in items)
        case Picture(name, alt, _):
            return f"![{alt}]({folder}/{name})"
        case Table(columns, rows):
            rule = ("---", *("---" if block.text else "---:" for _ in columns[1:]))
            return "\n".join(_line(cells) for cells in (columns, rule, *rows))


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _html(block: Block) -> str:
    match block:
        case Heading(text, level):
            return f"<h{level}>{escape(text)}</h{level}>"
        case Paragraph(text):
            return f"<p>{escape(text)}</p>"
        case Command(text):
            return f"<pre>{escape(text)}</pre>"
        case Bullets(items):
            return "<ul>" + "".join(f"<li>{escape(item)}</li>" for item in items) + "</ul>"
        case Picture(_, alt, png):
            data = base64.b64encode(png).decode()
            return f'<p><img alt="{escape(alt)}" src="data:image/png;base64,{data}"></p>'
        case Table(columns, rows):
            head = "<tr>" + "".join(f"<th>{escape(cell)}</th>" for cell in columns) + "</tr>"
            body = "".join("<tr>" + "".join(f"<td>{escape(c)}</td>" for c in row) + "</tr>" for row in rows)
            return f"<table{' class=text' if block.text else ''}>{head}{body}</table>"


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
