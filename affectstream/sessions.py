"""The commands `sessions`, `show`, `summary` and `purge`: what Redis holds of sessions."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from affectstream.options import PlotFile, ReportFile
from affectstream.schemas.errors import InputError

if TYPE_CHECKING:
    from affectstream.runtime.settings import Settings
    from affectstream.runtime.store import FusedStore, Session
    from affectstream.schemas.messages import FusedEmotion, Party

app = typer.Typer()
out = Console()

POLL_S = 0.25
FILES = (".jsonl", ".ndjson")

SessionId = Annotated[str, typer.Argument(help="session id")]


@app.command()
def sessions(limit: Annotated[int, typer.Option(min=1, help="how many, newest first")] = 20) -> None:
    """List the sessions in Redis, newest first."""
    from affectstream.tables import listing, utc

    found = asyncio.run(_sessions(limit))
    table = listing(f"{len(found)} sessions", "session", "parties", "first window", "last window", "seconds")
    table.columns[-1].justify = "right"
    for session in found:
        first = min(span.first_end_ms for span in session.parties.values())
        table.add_row(
            session.session_id,
            ", ".join(session.parties),
            utc(first),
            utc(session.last_end_ms),
            f"{(session.last_end_ms - first) / 1000:.0f}",
        )
    out.print(table)


@app.command()
def show(
    session: SessionId,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="wait for the call, and go on until interrupted")
    ] = False,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="final windows, .jsonl or .csv")
    ] = None,
    plot: PlotFile = None,
) -> None:
    """Show the windows of a session in Redis, or export them as `analyze` does."""
    from affectstream.export import display_of, report, write
    from affectstream.runtime.settings import load
    from affectstream.tables import LiveTable, summary_table

    settings = load()
    if follow:
        asyncio.run(_follow(session, settings))
        return
    found = windows(session, settings)
    made = report(found, settings)
    if output:
        write(found, output, display_of(settings))
    if plot:
        from affectstream.plot import draw

        draw(found, plot, session, display_of(settings), made.alerts)
    live = LiveTable(session, found[0].start_ms, display_of(settings))
    live.add(found)
    out.print(live)
    out.print(summary_table(made, session))


@app.command()
def summary(
    what: Annotated[str, typer.Argument(metavar="SESSION", help="session id, or a .jsonl of `analyze -o`")],
    as_json: Annotated[bool, typer.Option("--json", help="as JSON, for programs")] = False,
    turns: Annotated[bool, typer.Option("--turns", help="the turns as JSON Lines, one a line")] = False,
    page: ReportFile = None,
) -> None:
    """Summarise a session per party: shares, turning points, disagreements and alerts."""
    from affectstream.export import read, report
    from affectstream.outputs import Outputs
    from affectstream.runtime.settings import load
    from affectstream.tables import summary_table
    from affectstream.turns import lines

    settings, path, outputs = load(), Path(what), Outputs(report=page)
    outputs.check([path])
    found = read(path) if path.suffix.lower() in FILES else windows(what, settings)
    made = report(found, settings)
    outputs.write(made, found, settings)
    if turns and made.talk:
        print(*lines(made.talk), sep="", end="")
    elif as_json:
        print(made.json(), end="")
    else:
        out.print(summary_table(made, found[0].session_id))


@app.command()
def purge(session: SessionId) -> None:
    """Delete what Redis and the folder of recordings hold of a session; says what Kafka still holds."""
    from affectstream.purge import kafka_holds, purge

    keys, files = purge(session)
    if not keys and not files:
        raise InputError(f"Redis holds nothing of a session {session!r}")
    recordings = f", {files} recordings" if files else ""
    out.print(f"{keys} keys{recordings} of session {session} deleted", highlight=False)
    out.print(kafka_holds())


def windows(session_id: str, settings: "Settings") -> "list[FusedEmotion]":
    """Return all final windows of a session; raises InputError where there are none."""
    from affectstream.runtime.store import FusedStore

    async def read() -> "list[FusedEmotion]":
        async with FusedStore(settings.redis) as store:
            return await finals(store, session_id)

    return asyncio.run(read())


async def finals(store: "FusedStore", session_id: str) -> "list[FusedEmotion]":
    """Return all final windows of a session, by time and party; raises InputError where there are none."""
    from affectstream.export import in_order

    session = await store.session(session_id)
    if session is None:
        raise InputError(
            f"Redis holds nothing of a session {session_id!r}; `affectstream sessions` lists them"
        )
    return in_order([w for party in session.parties for w in await store.finals(session_id, party)])


class Follower:
    """The panes of a session as they come into Redis: every final once, and the newest early ones."""

    def __init__(self, store: "FusedStore", session_id: str) -> None:
        self._store, self._session_id = store, session_id
        self._after_ms: dict[Party, int] = {}  # end of the last final read

    async def news(self) -> "list[FusedEmotion]":
        """Return the finals since the last call, and the newest pane of each party where it is younger."""
        from affectstream.export import in_order

        session = await self._store.session(self._session_id)
        panes: list[FusedEmotion] = []
        for party, span in session.parties.items() if session else ():
            after_ms = self._after_ms.get(party)
            if after_ms is not None and span.last_end_ms < after_ms:
                after_ms = None  # another run has replaced what was read
            panes += (found := await self._store.finals(self._session_id, party, start_ms=after_ms))
            self._after_ms[party] = after_ms = found[-1].end_ms if found else after_ms or 0
            newest = await self._store.latest(self._session_id, party)
            if newest and newest.end_ms > after_ms:
                panes.append(newest)
        return in_order(panes)


async def _follow(session_id: str, settings: "Settings") -> None:
    from rich.live import Live

    from affectstream.export import display_of
    from affectstream.runtime.store import FusedStore
    from affectstream.tables import LiveTable

    async with FusedStore(settings.redis) as store:
        follower = Follower(store, session_id)
        if not (first := await follower.news()):
            out.print(f"waiting for session {session_id}; Ctrl-C ends it", markup=False)
        while not first:
            await asyncio.sleep(POLL_S)
            first = await follower.news()
        live = LiveTable(session_id, first[0].start_ms, display_of(settings))
        live.add(first)
        with Live(live, console=out, refresh_per_second=8, transient=False):
            while True:
                live.add(await follower.news())
                await asyncio.sleep(POLL_S)


async def _sessions(limit: int) -> "list[Session]":
    from affectstream.runtime.settings import load
    from affectstream.runtime.store import FusedStore

    async with FusedStore(load().redis) as store:
        return await store.sessions(limit)
