"""The commands `up` and `demo`: the whole system on this machine, on an embedded broker and Redis."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from affectstream.options import Asr, Purpose
from affectstream.schemas.errors import Unavailable
from affectstream.worker import MODULES, WorkerName

if TYPE_CHECKING:
    from affectstream.processes import Child, Children
    from affectstream.producers.plan import SessionPlan
    from affectstream.runtime.settings import Settings
    from affectstream.schemas.messages import FusedEmotion

app = typer.Typer()
out = Console()

START_S = 180.0  # torch takes half a minute to import on a busy machine with a cold disk
POLL_S = 0.2
PATIENCE_S = 60.0  # without any new window after the last message was sent


@dataclass(frozen=True)
class Stack:
    """A running system."""

    settings: "Settings"  # with the addresses of its broker, Redis and API
    children: "Children"


@app.command()
def up(
    logs: Annotated[Path, typer.Option(help="folder for the processes' logs")] = Path("out/logs"),
    agent_purpose: Purpose = None,
    asr: Asr = False,
) -> None:
    """Run the whole system on this machine: embedded Kafka and Redis, workers, fusion, alerts, API."""
    from affectstream.runtime.settings import load, local
    from affectstream.schemas import policy
    from affectstream.session_file import permitting, recognising

    settings = recognising(load(), asr, "up --asr")
    if agent_purpose:
        policy.require("agent", agent_purpose)
        settings = permitting(settings, agent_purpose)
    with ExitStack() as exits:
        stack = exits.enter_context(started(settings, logs, out, api=True))
        found = exits.enter_context(local.announced(_announcement(stack.settings)))
        _print_addresses(stack.settings, logs, found)
        try:
            while True:
                stack.children.check()
                time.sleep(0.5)
        except KeyboardInterrupt:
            out.print("stopping")


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


def processes(settings: "Settings", workers: int = 1) -> "list[Child]":
    """Return the processes of a system under ``settings``, each with a health port of its own."""
    from affectstream.schemas.messages import MODALITIES

    children = [
        _child(settings, f"{m}-{i}" if workers > 1 else m, m) for m in MODALITIES for i in range(workers)
    ]
    if settings.asr.enabled:
        children.append(_child(settings, "asr", "asr"))
    children.append(_child(settings, "fusion", "fusion"))
    if settings.alerts.enabled:
        children.append(_child(settings, "alerts", "alerts"))
    return children


def _child(settings: "Settings", name: str, worker: WorkerName) -> "Child":
    from affectstream.processes import Child
    from affectstream.runtime.child import free_port
    from affectstream.runtime.settings import as_env

    port = free_port()
    env = as_env(settings) | {
        f"AFFECT_{worker.upper()}__HEALTH_PORT": str(port),
        "AFFECT_KAFKA__INSTANCE_ID": name,
        "PYTHONUNBUFFERED": "1",
    }
    return Child(name, MODULES[worker], env, port)


def _api(settings: "Settings") -> "Child":
    from affectstream.processes import Child
    from affectstream.runtime.settings import as_env

    env = as_env(settings) | {"PYTHONUNBUFFERED": "1"}
    return Child("api", MODULES["api"], env, settings.api.port)


@contextmanager
def started(settings: "Settings", logs: Path, console: Console, api: bool = False) -> Iterator[Stack]:
    """Start everything on embedded servers, wait until it is ready, and stop it at the end."""
    with ExitStack() as exits:
        with console.status("starting an embedded broker, Redis, the workers and the fusion"):
            stack = exits.enter_context(_embedded(settings, logs, api))
            stack.children.wait_ready(START_S)
        yield stack


@contextmanager
def _embedded(settings: "Settings", logs: Path, api: bool) -> Iterator[Stack]:
    from affectstream.processes import Children, make_folder
    from affectstream.runtime.embedded import EmbeddedBroker, EmbeddedRedis

    make_folder(logs)
    with ExitStack() as exits:
        broker = exits.enter_context(EmbeddedBroker())
        redis = exits.enter_context(EmbeddedRedis())
        here = settings.model_copy(
            update={
                "kafka": settings.kafka.model_copy(update={"bootstrap": broker.bootstrap, "embedded": True}),
                "redis": settings.redis.model_copy(update={"url": redis.url}),
                "log": settings.log.model_copy(update={"format": "json"}),
            }
        )
        children = [*processes(here), *([_api(here)] if api else [])]
        yield Stack(here, exits.enter_context(Children(children, logs)))


async def watched(stack: Stack, session: "SessionPlan", speed: float) -> "list[FusedEmotion]":
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


def _announcement(settings: "Settings") -> dict[str, Any]:
    """Return what other commands are to know of the system, before anything of theirs."""
    return {
        "kafka": {"bootstrap": settings.kafka.bootstrap, "embedded": True},
        "redis": {"url": settings.redis.url},
        "agent_purpose": settings.policy.agent_purpose,
        "asr": settings.asr.enabled,
    }


def _print_addresses(settings: "Settings", logs: Path, found: bool) -> None:
    out.print("[bold]affectstream is up[/], until you press Ctrl-C; nothing of it is kept afterwards")
    out.print(f"  Kafka   {settings.kafka.bootstrap} (embedded: 4 partitions, about 5 MB kept in each)")
    out.print(f"  Redis   {settings.redis.url}")
    out.print(f"  API     http://{settings.api.host}:{settings.api.port}/docs")
    out.print(f"  logs    {logs}", markup=False)
    out.print(f"  agents  {_permitted(settings.policy.agent_purpose)}", markup=False)
    if found:
        out.print("Your other commands on this machine find it, unless settings name a broker or a Redis:")
    else:
        out.print("Another system of yours runs here, which commands find; for this one, in a terminal:")
    out.print(
        f"  export AFFECT_KAFKA__BOOTSTRAP={settings.kafka.bootstrap} AFFECT_KAFKA__EMBEDDED=true "
        f"AFFECT_REDIS__URL={settings.redis.url}",
        highlight=False,
        soft_wrap=True,
    )
    out.print("  affectstream replay CALL.mp4 && affectstream sessions", highlight=False)


def _permitted(purpose: str | None) -> str:
    return f"analysed, purpose {purpose}" if purpose else "not analysed; --agent-purpose permits it"
