"""The commands `topics create`, `topics list` and `topics acls`."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

if TYPE_CHECKING:
    from rich.table import Table

    from affectstream.runtime.kafka.topics import Row
    from affectstream.schemas.access import Rule

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


@app.command()
def acls(
    script: Annotated[
        bool, typer.Option("--script", help="as commands of Kafka's own kafka-acls.sh")
    ] = False,
    apply: Annotated[
        bool, typer.Option("--apply", help="add them to the broker, as a user who may alter the cluster")
    ] = False,
) -> None:
    """Show what each process may do on a Kafka with access control, or add these rules to it."""
    import asyncio

    from affectstream.runtime.settings import load
    from affectstream.schemas import access

    kafka = load().kafka
    rules = access.rules(kafka.topic_prefix)
    if script:
        print(access.script(rules), end="")
        return
    out.print(_rules(rules))
    if apply:
        from affectstream.runtime.kafka import topics

        asyncio.run(topics.allow(kafka, rules))
        out.print(f"added {len(rules)} rules at {kafka.bootstrap}", highlight=False)


def _rules(rules: "Sequence[Rule]") -> "Table":
    from affectstream.tables import listing

    table = listing("access control", "user", "may", "kind", "names")
    kinds = dict.fromkeys((rule.user, rule.operation, rule.resource) for rule in rules)
    for user, operation, resource in kinds:
        names = [r.name for r in rules if (r.user, r.operation, r.resource) == (user, operation, resource)]
        table.add_row(user, operation, resource, ", ".join(names))
    return table


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
