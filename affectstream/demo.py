"""The command `demo`: the demo call on embedded servers, shown as it is read."""

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from affectstream.schemas.errors import Unavailable

if TYPE_CHECKING:
    from affectstream.producers.plan import SessionPlan
    from affectstream.schemas.messages import FusedEmotion
    from affectstream.up import Stack

app = typer.Typer()
out = Console()

POLL_S = 0.2
PATIENCE_S = 60.0  # without any new window after the last message was sent


@app.command()
def demo(
    speed: Annotated[float, typer.Option(min=0.1, max=100, help="times real time")] = 1.0,
    folder: Annotated[Path, typer.Option(help="where the plot, the windows and the logs go")] = Path(
        "out/demo"
    ),
) -> None:
    """Replay the demo call on embedded servers and real workers, and watch the results come in."""
    from importlib.resources import as_file, files

    from affectstream.export import display_of, report, write
    from affectstream.plot import draw
    from affectstream.processes import make_folder
    from affectstream.runtime.settings import load
    from affectstream.session_file import SessionArguments, events, plan
    from affectstream.tables import summary_table
    from affectstream.up import started

    settings = load(policy={"agent_purpose": "synthetic"})  # nobody real speaks in it
    make_folder(folder)
    with as_file(files("affectstream") / "demo_call") as media:
        out.print("[bold]affectstream[/]: a two-party call is read as it happens", highlight=False)
        with started(settings, folder / "logs", out) as stack:
            arguments = SessionArguments([media / "session.json"])
            session = plan(arguments, settings.producer, int(time.time()) * 1000, None)
            windows = asyncio.run(watched(stack, session, speed))
        happened = events(media / "session.json")
    display, made = display_of(settings), report(windows, settings.alerts)
    write(windows, folder / "windows.jsonl", display)
    draw(windows, folder / "timeline.png", "demo call", display, made.alerts, happened)
    out.print(summary_table(made, "the call in short"))
    out.print(f"windows  {folder / 'windows.jsonl'}", highlight=False, markup=False)
    out.print(f"plot     {folder / 'timeline.png'}", highlight=False, markup=False)


async def watched(stack: "Stack", session: "SessionPlan", speed: float) -> "list[FusedEmotion]":
    """Play the session and show its windows until the last one is final; returns them all."""
    from rich.live import Live

    from affectstream.export import display_of
    from affectstream.producers.session import messages
    from affectstream.replay import Ends, published
    from affectstream.runtime.store import FusedStore
    from affectstream.sessions import Follower, finals
    from affectstream.tables import LiveTable

    ends = Ends(stack.settings.fusion.window_ms)
    title = f"{session.session_id} at {speed:g}x real time"
    live = LiveTable(title, session.start_ms, display_of(stack.settings))
    async with FusedStore(stack.settings.redis) as store, asyncio.TaskGroup() as group:
        playing = group.create_task(published(messages(session), stack.settings.kafka, speed, ends.note))
        follower, idle_since = Follower(store, session.session_id), time.monotonic()
        with Live(live, console=out, refresh_per_second=8) as screen:
            while not (playing.done() and await ends.reached(store, session.session_id)):
                stack.children.check()
                before = live.newest_ms
                live.add(await follower.news())
                if live.newest_ms != before or not playing.done():
                    idle_since = time.monotonic()
                if time.monotonic() - idle_since > PATIENCE_S:
                    logs = stack.children.logs
                    raise Unavailable(f"no window for {PATIENCE_S:.0f} s; see the logs in {logs}")
                await asyncio.sleep(POLL_S)
            live.add(await follower.news())
            screen.refresh()
        return await finals(store, session.session_id)
