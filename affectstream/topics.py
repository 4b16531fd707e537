"""The commands `topics create` and `topics list`."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

if TYPE_CHECKING:
    from rich.table import Table

    from affectstream.runtime.kafka.topics import Row

app = typer.Typer(no_args_is_help=True)
out = Console()


@app.command()
def create(
    partitions: Annotated[
        int | None, typer.Option(min=1, help="of every topic; default: the table's")
    ] = None,
) -> None:
    """Create what is missing; the number of partitions is the same for all."""
    import asyncio

    from affectstream.runtime.kafka import topics
    from affectstream.runtime.settings import load
    from affectstream.schemas.topics import PARTITIONS

    out.print(_table(asyncio.run(topics.create(load().kafka, partitions or PARTITIONS))))


@app.command("list")
def list_() -> None:
    """Show the table of topics, and which of them the broker has."""
    import asyncio

    from affectstream.runtime.kafka import topics
    from affectstream.runtime.settings import load

    out.print(_table(asyncio.run(topics.listing(load().kafka))))


def _table(rows: "Sequence[Row]") -> "Table":
    from affectstream.schemas.topics import KIB, MINUTE_MS
    from affectstream.tables import listing

    columns = ("topic", "partitions", "kept", "largest", "key", "when full", "written by", "read by")
    table = listing("topics", *columns)
    for row in rows:
        topic = row.topic
        table.add_row(
            row.name,
            str(row.partitions or "absent"),
            f"{topic.retention_ms // MINUTE_MS} min",
            f"{topic.max_bytes // KIB} KiB",
            topic.key,
            topic.drop,
            topic.writer,
            ", ".join(topic.readers),
        )
    return table
