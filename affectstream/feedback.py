"""The command `feedback export`: supervisors' marks beside what the models said, as JSON Lines."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from affectstream.schemas.errors import InputError

if TYPE_CHECKING:
    from affectstream.runtime.settings import Settings

app = typer.Typer(no_args_is_help=True)
out = Console()


@app.callback()
def group() -> None:
    """Export supervisors' marks on windows, with what the models said, as data for an evaluation."""


@app.command()
def export(
    output: Annotated[Path, typer.Option("-o", "--output", help="a .jsonl file")],
    session: Annotated[
        str | None, typer.Option("--session", "-s", help="of this one only", show_default=False)
    ] = None,
) -> None:
    """Write each mark with its window: a data set for an evaluation; nothing learns from it by itself."""
    from affectstream.export import check_file, kind_of
    from affectstream.runtime.audit import audit_log, user
    from affectstream.runtime.settings import load

    if kind_of(output) != "jsonl":
        raise InputError(f"{output.name}: name the output .jsonl")
    check_file(output)
    settings = load()
    lines = asyncio.run(_lines(settings, session))
    try:
        output.write_text("".join(lines), encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write {output}: {error.strerror}") from error
    audit_log(settings.policy).append("export", session or "", user(), {"marks": len(lines)})
    out.print(f"{len(lines)} marks: {output}", highlight=False, markup=False)


async def _lines(settings: "Settings", session: str | None) -> list[str]:
    return [line async for line in _marked(settings, session)]


async def _marked(settings: "Settings", session: str | None) -> AsyncIterator[str]:
    """Yield a line for each mark; the window is null where it has expired."""
    from affectstream.analytics.label import labels
    from affectstream.analytics.lines import row
    from affectstream.export import display_of
    from affectstream.runtime.feedback import FeedbackStore
    from affectstream.runtime.store import FusedStore

    display = display_of(settings)
    async with FeedbackStore(settings.redis, settings.policy) as store, FusedStore(settings.redis) as fused:
        for sid in [session] if session else await store.sessions():
            for mark in await store.marks(sid):
                found = await fused.finals(sid, mark.party, end_ms=mark.end_ms)
                there = bool(found) and found[-1].end_ms == mark.end_ms
                window = row(found[-1], labels(display, found)[-1]) if there else None
                yield json.dumps({"session": sid, **mark.model_dump(), "window": window}) + "\n"
