"""The command `demo`: the demo call on embedded servers and real workers, as a script and on the web page."""

import asyncio
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from affectstream.schemas.errors import Unavailable

if TYPE_CHECKING:
    from affectstream.producers.plan import SessionPlan
    from affectstream.runtime.settings import Settings
    from affectstream.schemas.messages import FusedEmotion
    from affectstream.session_file import Event
    from affectstream.up import Stack

app = typer.Typer()
out = Console()

NEXT = """
What to try next:
  affectstream analyze CALL.mp4 --report out.html    a recording of your own
  affectstream up                                    all of it, for calls of your own
  affectstream doctor                                what is installed and licensed"""
POLL_S = 0.2
PATIENCE_S = 60.0  # without any new window after the last message was sent


@app.command()
def demo(
    speed: Annotated[float, typer.Option(min=0.1, max=100, help="times real time")] = 1.0,
    folder: Annotated[
        Path, typer.Option(help="where the report, the plot, the windows and the logs go")
    ] = Path("out/demo"),
) -> None:
    """Replay the demo call on embedded servers and real workers, and read along as it goes."""
    from importlib.resources import as_file, files

    from affectstream.console import print_warnings
    from affectstream.runtime.disk import make_folder
    from affectstream.runtime.settings import load
    from affectstream.session_file import SessionArguments, events, plan
    from affectstream.up import started

    print_warnings()

    settings = _with_free_port(load(policy={"agent_purpose": "synthetic"}))  # nobody real speaks in it
    make_folder(folder)
    with as_file(files("affectstream") / "demo_call") as media:
        out.print("[bold]affectstream[/]: a two-party call is read as it happens", highlight=False)
        with started(settings, folder / "logs", out, ["api"]) as stack:
            page = f"http://{settings.api.host}:{settings.api.port}"
            out.print(f"Watch it in a browser: {page}/call/demo\n", highlight=False)
            session = plan(
                SessionArguments([media / "session.json"]), settings.producer, int(time.time()) * 1000, None
            )
            windows = asyncio.run(_followed(stack, session, speed))
            _summed_up(settings, windows, events(media / "session.json"), folder)
            _next_steps()
            if sys.stdout.isatty():
                _stay(stack, page)


def _with_free_port(settings: "Settings") -> "Settings":
    """Return settings whose API listens on a free port where its own is taken."""
    from affectstream.runtime.process import free_port

    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", settings.api.port))
        except OSError:
            api = settings.api.model_copy(update={"port": free_port()})
            return settings.model_copy(update={"api": api})
    return settings


async def _followed(stack: "Stack", session: "SessionPlan", speed: float) -> "list[FusedEmotion]":
    """Play the session and print it as it becomes known; returns its final windows."""
    from affectstream.analytics.rules import read
    from affectstream.export import display_of
    from affectstream.producers.plan import conversation
    from affectstream.producers.session import messages
    from affectstream.publish import Ends, published
    from affectstream.runtime.store import FusedStore
    from affectstream.script import Script
    from affectstream.sessions import Follower, finals

    settings = stack.settings
    ends = Ends(settings.fusion.window_ms)
    rules = read(settings.alerts.rules) if settings.alerts.enabled else ()
    script = Script(conversation(session), session.start_ms, display_of(settings), rules)
    async with FusedStore(settings.redis) as store, asyncio.TaskGroup() as group:
        playing = group.create_task(published(messages(session), settings.kafka, speed, ends.note))
        follower, idle_since = Follower(store, session.session_id), time.monotonic()
        while not (playing.done() and await ends.reached(store, session.session_id)):
            stack.children.check()
            before = script.newest_ms
            for line in script.add(await follower.news()):
                out.print(line, highlight=False)
            if script.newest_ms != before or not playing.done():
                idle_since = time.monotonic()
            if time.monotonic() - idle_since > PATIENCE_S:
                logs = stack.children.logs
                raise Unavailable(f"no window for {PATIENCE_S:.0f} s; see the logs in {logs}")
            await asyncio.sleep(POLL_S)
        for line in [*script.add(await follower.news()), *script.rest()]:
            out.print(line, highlight=False)
        return await finals(store, session.session_id)


def _summed_up(
    settings: "Settings", windows: "list[FusedEmotion]", happened: "Sequence[Event]", folder: Path
) -> None:
    """Print the summary, and write the windows, the timeline and the report."""
    from affectstream.export import report
    from affectstream.outputs import Outputs
    from affectstream.tables import summary_table

    made = report(windows, settings)
    outputs = Outputs(folder / "windows.jsonl", folder / "timeline.png", report=folder / "report.html")
    outputs.write(made, windows, settings, happened)
    out.print(summary_table(made, "the call in short"))
    for kind, path in outputs:
        out.print(f"{kind:8} {path}", highlight=False, markup=False)


def _next_steps() -> None:
    out.print(NEXT, highlight=False, markup=False)


def _stay(stack: "Stack", page: str) -> None:
    """Keep the page open until the user ends it."""
    out.print(f"\nThe page stays open at {page} until you press Ctrl-C.", highlight=False)
    try:
        while True:
            stack.children.check()
            time.sleep(0.5)
    except KeyboardInterrupt:
        out.print("stopping")
