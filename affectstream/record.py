"""The command `record`: sessions from their topics into MCAP files."""

import time
from typing import Annotated

import typer

from affectstream.schemas.errors import InputError

app = typer.Typer()


@app.command()
def record(
    media: Annotated[
        bool, typer.Option("--media/--no-media", help="pictures, sound and words too, or only results")
    ] = True,
    session: Annotated[
        list[str] | None,
        typer.Option("--session", "-s", help="this one only; several times: these", show_default=False),
    ] = None,
    since: Annotated[
        str,
        typer.Option(help="leave out what arrived before: now, or ms since the epoch", show_default=False),
    ] = "0",
    until_idle: Annotated[
        float | None, typer.Option(min=1, help="end once nothing has come for so many seconds")
    ] = None,
) -> None:
    """Write the sessions on the topics to MCAP files in `policy.recordings`, until it is stopped."""
    from affectstream.runtime import process
    from affectstream.runtime.settings import load
    from affectstream.workers.recorded import Scope
    from affectstream.workers.recorder import serve

    scope = Scope(media, frozenset(session or ()), _since_ms(since))
    process.run(lambda stop: serve(load(), scope, stop, until_idle), process="recorder")


def _since_ms(since: str) -> int:
    if since == "now":
        return int(time.time() * 1000)
    if since.isascii() and since.isdigit() and len(since) <= len(str(1 << 53)):
        return int(since)
    raise InputError(f"--since {since}: `now`, or milliseconds since the epoch as a whole number")
