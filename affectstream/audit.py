"""The commands `audit show` and `audit verify`: who did what to which session when; whether that is whole."""

from collections import deque
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

app = typer.Typer(no_args_is_help=True)
out = Console()


@app.command()
def show(
    session: Annotated[
        str | None, typer.Option("--session", "-s", help="of this one only", show_default=False)
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="lines, the newest last")] = 20,
) -> None:
    """Show who did what to which session when."""
    from affectstream.runtime.audit import audit_log
    from affectstream.runtime.settings import load
    from affectstream.tables import listing, utc

    log = audit_log(load().policy)
    wanted = (entry for entry in log.entries() if session in (None, entry.session))
    table = listing(str(log.path), "when (UTC)", "who", "what", "session", "detail")
    for entry in deque(wanted, maxlen=limit):
        detail = ", ".join(f"{name} {value}" for name, value in entry.detail.items() if value is not None)
        table.add_row(utc(entry.at_ms), escape(entry.by), entry.did, escape(entry.session), escape(detail))
    out.print(table)


@app.command()
def verify(
    holds: Annotated[
        str,
        typer.Option(help="a hash that an earlier check printed: it must be there", show_default=False),
    ] = "",
) -> None:
    """Check that no entry was edited, removed, inserted or reordered; exit code 1 where one was."""
    from affectstream.runtime.audit import audit_log
    from affectstream.runtime.settings import load

    log = audit_log(load().policy)
    found = log.verify(holds)
    for fault in found.faults:
        out.print(f"[red]{escape(fault)}[/red]", highlight=False, soft_wrap=True)
    if found.torn_bytes:
        out.print(
            f"a last line of {found.torn_bytes} bytes was left by a process that was killed while it wrote; "
            "the next entry removes it",
            highlight=False,
        )
    if found.faults:
        raise typer.Exit(1)
    out.print(
        f"{found.entries} entries, whole; the last one is {found.last_hash}", highlight=False, soft_wrap=True
    )
