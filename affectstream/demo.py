"""`affectstream demo`: the demo call on embedded servers and real workers, watched live; wires everything."""

import asyncio
import time
from importlib.resources import as_file, files
from pathlib import Path

from rich.console import Console
from rich.live import Live

from affectstream import plot as timeline
from affectstream.export import in_order, write
from affectstream.producers.plan import SessionPlan
from affectstream.producers.session import messages
from affectstream.replay import published
from affectstream.runtime.settings import load
from affectstream.runtime.store import FusedStore
from affectstream.schemas.errors import Unavailable
from affectstream.schemas.messages import FusedEmotion
from affectstream.session_file import Typed, plan
from affectstream.sessions import Ends, finals, news
from affectstream.summary import report, shown
from affectstream.tables import LiveTable
from affectstream.up import Stack, started

POLL_S = 0.2
PATIENCE_S = 60.0  # without any new window after the last message was sent


def run(speed: float, folder: Path, console: Console) -> None:
    """Replay the demo call, show the live table, print the summary and where the plot lies."""
    settings = load(policy={"agent_purpose": "synthetic"})  # nobody real speaks in it
    folder.mkdir(parents=True, exist_ok=True)
    with as_file(files("affectstream") / "demo_call") as media:
        console.print("[bold]affectstream[/]: a two-party call is read as it happens", highlight=False)
        with started(settings, folder / "logs", console) as stack:
            session = plan(Typed([media / "session.json"]), settings.producer, int(time.time()) * 1000, None)
            windows = asyncio.run(watched(stack, session, speed, console))
    write(windows, folder / "windows.jsonl")
    timeline.draw(windows, folder / "timeline.png", "demo call")
    console.print(shown(report(windows, settings.alerts), "the call in short"))
    console.print(f"windows  {folder / 'windows.jsonl'}", highlight=False)
    console.print(f"plot     {folder / 'timeline.png'}", highlight=False)


async def watched(stack: Stack, session: SessionPlan, speed: float, console: Console) -> list[FusedEmotion]:
    """Play the session and show its windows until the last one is final; returns them all."""
    ends = Ends(stack.settings.fusion.window_ms)
    live = LiveTable(f"{session.session_id} at {speed:g}x real time", session.start_ms)
    async with FusedStore(stack.settings.redis) as store, asyncio.TaskGroup() as group:
        playing = group.create_task(published(messages(session), stack.settings.kafka, speed, ends.note))
        idle_since = time.monotonic()
        with Live(live, console=console, refresh_per_second=8) as screen:
            while not (playing.done() and await ends.reached(store, session.session_id)):
                stack.children.check()
                before = live.newest_ms
                live.add(await news(store, session.session_id))
                if live.newest_ms != before or not playing.done():
                    idle_since = time.monotonic()
                if time.monotonic() - idle_since > PATIENCE_S:
                    raise Unavailable(
                        f"no window for {PATIENCE_S:.0f} s; see the logs in {stack.children.logs}"
                    )
                await asyncio.sleep(POLL_S)
            live.add(await news(store, session.session_id))
            screen.refresh()
        return in_order(await finals(store, session.session_id))
