"""`sessions`, `show` and `purge`: what lies in Redis."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.table import Table

from affectstream import plot as timeline
from affectstream.export import in_order, write
from affectstream.producers.session import SessionMessage
from affectstream.runtime.settings import load
from affectstream.runtime.store import FusedStore, Session
from affectstream.schemas.errors import InputError
from affectstream.schemas.messages import FusedEmotion, Party
from affectstream.summary import report, shown
from affectstream.tables import LiveTable

POLL_S = 0.25


def sessions(limit: int, console: Console) -> None:
    """Print the newest sessions."""
    found = asyncio.run(_sessions(limit))
    listing = Table(title=f"{len(found)} sessions", title_justify="left")
    for column in ("session", "parties", "first window", "last window", "seconds"):
        listing.add_column(column, justify="right" if column == "seconds" else "left", overflow="fold")
    for session in found:
        first = min(span.first_end_ms for span in session.parties.values())
        listing.add_row(
            session.session_id,
            ", ".join(session.parties),
            _clock(first),
            _clock(session.last_end_ms),
            f"{(session.last_end_ms - first) / 1000:.0f}",
        )
    console.print(listing)


def show(session_id: str, follow: bool, output: Path | None, plot: Path | None, console: Console) -> None:
    """Print a session's newest windows and summary, or follow it; write what was asked for."""
    if follow:
        asyncio.run(_follow(session_id, console))
        return
    found = windows(session_id)
    if output:
        write(found, output)
    if plot:
        timeline.draw(found, plot, session_id)
    live = LiveTable(session_id, found[0].start_ms)
    live.add(found)
    console.print(live)
    console.print(shown(report(found, load().alerts), session_id))


def windows(session_id: str) -> list[FusedEmotion]:
    """Return all final windows of a session; raises InputError where there are none."""

    async def read() -> list[FusedEmotion]:
        async with FusedStore(load().redis) as store:
            return await finals(store, session_id)

    return asyncio.run(read())


def purge(session_id: str, console: Console) -> None:
    """Delete a session and say how much that was."""

    async def delete() -> int:
        async with FusedStore(load().redis) as store:
            return await store.purge(session_id)

    deleted = asyncio.run(delete())
    if not deleted:
        raise InputError(f"Redis holds nothing of a session {session_id!r}")
    console.print(f"{deleted} keys of session {session_id} deleted")


async def finals(store: FusedStore, session_id: str) -> list[FusedEmotion]:
    """Return all final windows of a session, by time and party; raises InputError where there are none."""
    session = await store.session(session_id)
    if session is None:
        raise InputError(
            f"Redis holds nothing of a session {session_id!r}; `affectstream sessions` lists them"
        )
    return in_order([w for party in session.parties for w in await store.finals(session_id, party)])


async def _sessions(limit: int) -> list[Session]:
    async with FusedStore(load().redis) as store:
        return await store.sessions(limit)


async def _follow(session_id: str, console: Console) -> None:
    async with FusedStore(load().redis) as store:
        windows = await finals(store, session_id)
        live = LiveTable(session_id, windows[0].start_ms)
        with Live(live, console=console, refresh_per_second=8, transient=False):
            while True:
                live.add(await news(store, session_id))
                await asyncio.sleep(POLL_S)


async def news(store: FusedStore, session_id: str, recent: int = 8) -> list[FusedEmotion]:
    """Return the newest finals of every party, and its newest pane where that is younger."""
    session = await store.session(session_id)
    windows: list[FusedEmotion] = []
    for party, span in (session.parties if session else {}).items():
        since = span.last_end_ms - recent * 1000
        windows += await store.finals(session_id, party, start_ms=max(0, since))
        newest = await store.latest(session_id, party)
        if newest and newest.end_ms > span.last_end_ms:
            windows.append(newest)
    return in_order(windows)


class Ends:
    """Until when each party of a session will have final windows."""

    def __init__(self, window_ms: int) -> None:
        self._window_ms = window_ms
        self._last_ms: dict[Party, int] = {}

    def note(self, message: SessionMessage) -> None:
        """Take note of a message that was sent."""
        end_ms = -(-message.end_ms // self._window_ms) * self._window_ms
        self._last_ms[message.party] = max(end_ms, self._last_ms.get(message.party, 0))

    async def reached(self, store: FusedStore, session_id: str) -> bool:
        """Say whether the last window of every party is in Redis."""
        session = await store.session(session_id)
        spans = session.parties if session else {}
        return bool(self._last_ms) and all(
            party in spans and spans[party].last_end_ms >= end_ms for party, end_ms in self._last_ms.items()
        )


def _clock(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
