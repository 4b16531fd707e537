"""The command `up`: the whole system on this machine, on an embedded broker and Redis."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from affectstream.options import Asr, Purpose
from affectstream.worker import MODULES, WorkerName

if TYPE_CHECKING:
    from affectstream.processes import Child, Children
    from affectstream.runtime.settings import Settings

app = typer.Typer()
out = Console()

GATEWAY = "affectstream.producers.gateway"
START_S = 180.0  # torch takes half a minute to import on a busy machine with a cold disk


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
    gateway: Annotated[
        bool | None,
        typer.Option(help="take in streamed calls; default: where it is installed", show_default=False),
    ] = None,
) -> None:
    """Run the whole system on this machine: embedded Kafka, Redis, workers, fusion, alerts, API, gateway."""
    from affectstream.extras import installed, require
    from affectstream.runtime.settings import load, local
    from affectstream.schemas import policy
    from affectstream.session_file import recognising

    if gateway:
        require("up --gateway", ("gateway",))
    servers = ("api", *(["gateway"] if gateway or (gateway is None and installed("gateway")) else []))
    settings = recognising(load(), asr, "up --asr")
    if agent_purpose:
        policy.require("agent", agent_purpose)
        settings = settings.permitting(agent_purpose)
    with ExitStack() as exits:
        stack = exits.enter_context(started(settings, logs, out, servers))
        found = exits.enter_context(local.announced(_announcement(stack.settings)))
        _print_addresses(stack, found)
        try:
            while True:
                for name, code in stack.children.restart_crashed().items():
                    out.print(f"{name} ended with exit code {code} and was started again")
                time.sleep(0.5)
        except KeyboardInterrupt:
            out.print("stopping")


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
    from affectstream.runtime.process import free_port
    from affectstream.runtime.settings import as_env

    port = free_port()
    env = as_env(settings) | {
        f"AFFECT_{worker.upper()}__HEALTH_PORT": str(port),
        "AFFECT_KAFKA__INSTANCE_ID": name,
        "PYTHONUNBUFFERED": "1",
    }
    return Child(name, MODULES[worker], env, port)


def _server(settings: "Settings", name: str) -> "Child":
    """Return the process of a server, on the port of its settings."""
    from affectstream.processes import Child
    from affectstream.runtime.process import free_port
    from affectstream.runtime.settings import as_env

    env = as_env(settings) | {"PYTHONUNBUFFERED": "1"}
    if name == "api":
        return Child(name, MODULES["api"], env, settings.api.port)
    health = settings.gateway.health_port or free_port()
    return Child(name, GATEWAY, env | {"AFFECT_GATEWAY__HEALTH_PORT": str(health)}, health)


@contextmanager
def started(
    settings: "Settings", logs: Path, console: Console, servers: Sequence[str] = ()
) -> Iterator[Stack]:
    """Start everything on embedded servers, wait until it is ready, and stop it at the end."""
    with ExitStack() as exits:
        with console.status("starting an embedded broker, Redis, the workers and the fusion"):
            stack = exits.enter_context(_embedded(settings, logs, servers))
            stack.children.wait_ready(START_S)
        yield stack


@contextmanager
def _embedded(settings: "Settings", logs: Path, servers: Sequence[str]) -> Iterator[Stack]:
    from affectstream.processes import Children
    from affectstream.runtime.consent_store import restore
    from affectstream.runtime.disk import make_folder
    from affectstream.runtime.embedded import EmbeddedBroker, EmbeddedRedis

    make_folder(logs)
    with ExitStack() as exits:
        broker = exits.enter_context(EmbeddedBroker())
        redis = exits.enter_context(EmbeddedRedis())
        here = on_embedded(settings, broker.bootstrap, redis.url)
        asyncio.run(restore(here.redis, here.policy))
        children = processes(here)
        for name in sorted(servers, key=lambda name: name == "api"):  # the API knows all others
            children.append(_server(_watching(here, children), name))
        yield Stack(here, exits.enter_context(Children(children, logs)))


def on_embedded(settings: "Settings", bootstrap: str, url: str) -> "Settings":
    """Return settings for embedded servers, which speak no TLS and know no users, at their addresses."""
    from affectstream.runtime.settings import KafkaSettings, RedisSettings

    kept = settings.kafka.model_dump(include={"client_id", "session_timeout_ms", "topic_prefix"})
    return settings.model_copy(
        update={
            "kafka": KafkaSettings(bootstrap=bootstrap, embedded=True, **kept),
            "redis": RedisSettings(url=url, ttl_s=settings.redis.ttl_s),
            "log": settings.log.model_copy(update={"format": "json"}),
        }
    )


def _watching(settings: "Settings", children: "Sequence[Child]") -> "Settings":
    """Return settings under which the page shows the state of these processes and of its own."""
    from affectstream.runtime.process import free_port

    own = settings.api.health_port or free_port()
    ports = {child.name: child.port for child in children} | {"api": own}
    urls = {name: f"http://127.0.0.1:{port}/metrics" for name, port in ports.items()}
    api = settings.api.model_copy(update={"processes": urls, "health_port": own})
    return settings.model_copy(update={"api": api})


def _announcement(settings: "Settings") -> dict[str, Any]:
    """Return what other commands are to know of the system, before anything of theirs."""
    return {
        "kafka": {"bootstrap": settings.kafka.bootstrap, "embedded": True},
        "redis": {"url": settings.redis.url},
        "agent_purpose": settings.policy.agent_purpose,
        "asr": settings.asr.enabled,
    }


def _print_addresses(stack: Stack, found: bool) -> None:
    settings = stack.settings
    out.print("[bold]affectstream is up[/], until you press Ctrl-C; nothing of it is kept afterwards")
    out.print(f"  Kafka   {settings.kafka.bootstrap} (embedded: 4 partitions, about 5 MB kept in each)")
    out.print(f"  Redis   {settings.redis.url}")
    out.print(f"  page    http://{settings.api.host}:{settings.api.port}")
    out.print(f"  API     http://{settings.api.host}:{settings.api.port}/docs")
    if "gateway" in stack.children.children:
        out.print(f"  calls   ws://{settings.gateway.host}:{settings.gateway.port} (docs/call-centre.md)")
    out.print(f"  logs    {stack.children.logs}", markup=False)
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
